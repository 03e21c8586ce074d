// SPDX-License-Identifier: MIT
#include "narae/learn/network.hpp"

#include <map>

#include "../../oracle/neox.hpp"
#include "catch.hpp"
#include "models.hpp"

using namespace narae;

namespace {

struct setup {
    std::string config;
    std::vector<std::uint32_t> ids, targets, first;
    std::size_t T;
};

/// Two sequences of seven; the second holds two documents; some tokens are not taught.
setup make_setup(const std::string& config) {
    setup s{
        config, {3, 14, 15, 9, 26, 5, 35, 8, 9, 7, 9, 32, 38, 4}, {}, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3, 3, 3}, 7};
    for (std::size_t i = 0; i < s.ids.size(); ++i)
        s.targets.push_back(i % 7 == 6 || i == 2 ? learn::no_target : s.ids[i + 1]);
    s.targets[9] = learn::no_target;  // the end of the first document
    return s;
}

/// The same loss by the oracle: every document alone, in double.
double oracle_loss(const store::checkpoint& from, const model::shape& shape, const setup& s) {
    const oracle::neox net(from, shape);
    double loss = 0;
    for (std::size_t begin = 0; begin < s.ids.size();) {
        auto end = begin + 1;
        while (end < s.ids.size() && end % s.T != 0 && s.first[end] == s.first[begin]) ++end;
        const auto logits = net.logits(
            {s.ids.begin() + static_cast<std::ptrdiff_t>(begin), s.ids.begin() + static_cast<std::ptrdiff_t>(end)},
            1000, 0);
        for (auto t = begin; t < end; ++t) {
            if (s.targets[t] == learn::no_target) continue;
            double sum = 0;
            for (const auto l : logits[t - begin]) sum += std::exp(l);
            loss += std::log(sum) - logits[t - begin][s.targets[t]];
        }
        begin = end;
    }
    return loss;
}

struct taught {
    learn::loss_sum loss;
    std::vector<float> gradients;
};

taught teach(const model::shape& shape, const std::vector<float>& weights, const setup& s,
             const learn::network_options& o, const kernel::gemm_kernel& gemm, std::size_t threads = 1,
             const learn::teacher& teacher = {}) {
    auto team = sys::team::make(threads);
    REQUIRE(team);
    auto net = learn::network::make(shape, o, **team, gemm);
    REQUIRE(net);
    taught t{{}, std::vector<float>(o.backward ? weights.size() : 0)};
    t.loss =
        net->run(weights.data(), o.backward ? t.gradients.data() : nullptr, {s.T, s.ids, s.targets, s.first}, teacher);
    return t;
}

std::vector<float> weights_of(const store::checkpoint& from, const model::shape& shape) {
    std::vector<float> w(learn::count_parameters(shape).all);
    REQUIRE(learn::fill_from(w, from, shape));
    return w;
}

const std::string configs[] = {
    models::config(3, 24, 4, 4, 40, 53, 0.34),
    models::config(3, 24, 4, 2, 40, 53, 1.0, false, true),
};

}  // namespace

TEST_CASE("gradients equal finite differences in double") {
    for (const auto& config : configs) {
        CAPTURE(config);
        auto file = models::random_file(config);
        const auto from = store::checkpoint::from_bytes(as_bytes(file));
        REQUIRE(from);
        const model::shape shape(*store::parse_config(config));
        const auto s = make_setup(config);
        const auto weights = weights_of(*from, shape);
        const auto kernels = kernel::runnable_gemm();
        for (const auto& gemm : kernels) {
            if (!gemm.exact) continue;
            CAPTURE(gemm.name);
            const auto t = teach(shape, weights, s, {2, 7, 0}, gemm);
            CHECK(t.loss.tokens == 10);
            CHECK(t.loss.nats == Approx(oracle_loss(*from, shape, s)).epsilon(1e-5));
            // The steepest number of every part, and one at random.
            std::size_t at = 0;
            const auto check = [&](const std::string& name, std::size_t n) {
                auto steepest = at;
                for (auto i = at; i < at + n; ++i)
                    if (std::abs(t.gradients[i]) > std::abs(t.gradients[steepest])) steepest = i;
                for (const auto i : {steepest, at + 7 * n / 11}) {
                    auto* bytes = const_cast<std::byte*>(from->find(name)->bytes.data()) + (i - at) * 4;
                    const double step = 1.0 / 256;
                    const auto loss = [&](double by) {
                        store_le(bytes, static_cast<float>(static_cast<double>(weights[i]) + by));
                        const auto moved = static_cast<double>(load_le<float>(bytes)) - static_cast<double>(weights[i]);
                        return std::pair(oracle_loss(*from, shape, s), moved);
                    };
                    const auto [up, up_by] = loss(step);
                    const auto [down, down_by] = loss(-step);
                    const auto [up2, up2_by] = loss(step / 2);
                    const auto [down2, down2_by] = loss(-step / 2);
                    store_le(bytes, weights[i]);
                    // Richardson: the error of the two differences is of the fourth order.
                    const double coarse = (up - down) / (up_by - down_by), fine = (up2 - down2) / (up2_by - down2_by);
                    const double exact = fine + (fine - coarse) / 3;
                    CAPTURE(name, i - at);
                    const auto scale = std::max(std::abs(exact), 1e-2 * std::abs(double{t.gradients[steepest]}));
                    CHECK(std::abs(static_cast<double>(t.gradients[i]) - exact) <= 1e-3 * scale + 1e-7);
                }
                at += n;
            };
            for (const auto& m : model::matrix_names(shape)) check(m.name, m.N * m.K);
            for (const auto& [name, n] : model::vector_names(shape)) check(name, n);
        }
    }
}

TEST_CASE("segments of layers and threads change no bit of the gradients") {
    for (const auto& config : configs) {
        const auto file = models::random_file(config);
        const auto from = store::checkpoint::from_bytes(as_bytes(file));
        REQUIRE(from);
        const model::shape shape(*store::parse_config(config));
        const auto s = make_setup(config);
        const auto weights = weights_of(*from, shape);
        const auto gemm = kernel::runnable_gemm().best();
        const auto whole = teach(shape, weights, s, {2, 7, 0}, gemm);
        for (const std::size_t layers : {1u, 2u, 3u, 100u})
            for (const std::size_t threads : {1u, 2u, 3u}) {
                CAPTURE(layers, threads);
                const auto t = teach(shape, weights, s, {2, 7, layers}, gemm, threads);
                CHECK(t.loss.nats == whole.loss.nats);
                CHECK(t.gradients == whole.gradients);
            }
        CHECK(teach(shape, weights, s, {2, 7, 0, false}, gemm).loss.nats == whole.loss.nats);
    }
}

TEST_CASE("a network takes the memory that it says, and less with segments") {
    const model::shape shape(*store::parse_config(models::config(8, 64, 4, 4, 40, 53, 0.5)));
    auto team = sys::team::make(1);
    REQUIRE(team);
    const auto gemm = kernel::runnable_gemm().best();
    const auto bytes = [&](std::size_t layers) { return learn::network::bytes(shape, {4, 128, layers}, **team, gemm); };
    const std::uint64_t row = 4 * 128 * 4;  // bytes of one number for each of 512 tokens
    const auto tape = row * (shape.qkv_rows() + shape.H * shape.E + shape.H + shape.F);
    CHECK(bytes(0) - bytes(4) == 4 * tape + 7 * row * shape.D - (3 + 1) * row * shape.D);
    CHECK(bytes(4) - bytes(1) == 3 * tape + (3 + 2) * row * shape.D - 8 * row * shape.D);
}

TEST_CASE("a teacher pulls towards its own distribution") {
    const auto& config = configs[0];
    const auto file = models::random_file(config), other_file = models::random_file(config, 2);
    const auto from = store::checkpoint::from_bytes(as_bytes(file));
    const auto other = store::checkpoint::from_bytes(as_bytes(other_file));
    REQUIRE((from && other));
    const model::shape shape(*store::parse_config(config));
    const auto s = make_setup(config);
    const auto weights = weights_of(*from, shape), teachers = weights_of(*other, shape);
    const auto gemm = kernel::runnable_gemm().best();
    auto team = sys::team::make(1);
    REQUIRE(team);
    auto net = learn::network::make(shape, {2, 7, 0, false}, **team, gemm);
    REQUIRE(net);

    // From itself there is nothing to learn.
    const auto same = teach(shape, weights, s, {2, 7, 0}, gemm, 1, {&*net, weights.data(), 1.0f});
    CHECK(same.loss.nats == Approx(0).margin(1e-4));
    for (const auto g : same.gradients) CHECK(std::abs(g) < 1e-4f);

    // The loss and its gradient are the mixture of both ends.
    const auto none = teach(shape, weights, s, {2, 7, 0}, gemm);
    const auto all = teach(shape, weights, s, {2, 7, 0}, gemm, 1, {&*net, teachers.data(), 1.0f});
    const auto half = teach(shape, weights, s, {2, 7, 0}, gemm, 1, {&*net, teachers.data(), 0.5f});
    CHECK(all.loss.nats > 0.1);
    CHECK(half.loss.nats == Approx((none.loss.nats + all.loss.nats) / 2).epsilon(1e-5));
    for (std::size_t i = 0; i < half.gradients.size(); i += 17)
        CHECK(half.gradients[i] == Approx((none.gradients[i] + all.gradients[i]) / 2).margin(1e-4));

    // A step against its gradient brings the two closer.
    auto moved = weights;
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] -= 1e-3f * all.gradients[i];
    CHECK(teach(shape, moved, s, {2, 7, 0}, gemm, 1, {&*net, teachers.data(), 1.0f}).loss.nats < all.loss.nats);
}
