// SPDX-License-Identifier: MIT
#include "narae/learn/trainer.hpp"

#include "../sys/scratch.hpp"
#include "catch.hpp"
#include "models.hpp"

using namespace narae;

namespace {

struct lesson {
    std::unique_ptr<sys::team> team;
    sys::file_view file;
    std::optional<token::tokenizer> tokenizer;
    std::optional<learn::documents> corpus;

    explicit lesson(std::size_t threads = 1, const std::string& text = {}) {
        team = std::move(*sys::team::make(threads));
        file = std::move(*sys::file_view::open(NARAE_TOP_DIR "/examples/models/tokenizer.json"));
        tokenizer = std::move(*token::tokenizer::parse(file.bytes()));
        corpus.emplace(*tokenizer);
        std::string lines = text;
        const char* const who[] = {"할머니가", "우체부가", "까치가", "선생님이", "목수가"};
        const char* const what[] = {"감자를", "편지를", "나뭇가지를", "지도를", "사다리를"};
        const char* const where[] = {"장터에서", "언덕 위에서", "마당에서", "강가에서"};
        if (lines.empty())
            for (const auto* a : who)
                for (const auto* b : what)
                    for (const auto* c : where)
                        lines += std::string(a) + " " + c + " " + b + " 찾다가 " + where[(a[1] + b[1] + 256) % 4] +
                                 " 낮잠을 잤다. 그래서 저녁이 되어서야 집으로 돌아왔고, 아무에게도 말하지 않았다.\n";
        REQUIRE(corpus->add_text(lines, *team));
    }
    store::config config(std::uint32_t layers = 2, std::uint32_t width = 64) const {
        store::config c;
        c.layers = layers, c.width = width, c.heads = c.kv_heads = 4, c.head_width = width / 4, c.ffn = 4 * width;
        c.vocab = static_cast<std::uint32_t>(tokenizer->size()), c.rotary = width / 8, c.tied = true;
        return c;
    }
    learn::trainer start(const store::config& c, const learn::train_options& o) {
        auto t = learn::trainer::make(c, o, *team, kernel::runnable_gemm().best());
        REQUIRE(t);
        learn::fill_random(t->weights(), t->shape(), o.seed);
        return std::move(*t);
    }
};

learn::train_options quick(std::uint64_t steps) {
    learn::train_options o;
    o.steps = steps, o.sequences = 4, o.length = 32, o.rate = 3e-3f, o.warmup = 5;
    return o;
}

std::vector<float> copy(std::span<const float> x) { return {x.begin(), x.end()}; }

void advance(learn::trainer& t, lesson& l, int steps) {
    for (int i = 0; i < steps; ++i) REQUIRE(t.advance(*l.corpus));
}

}  // namespace

TEST_CASE("a run that stops and goes on is bit for bit the run that never stopped") {
    const tests::scratch folder;
    const auto state = folder.path("state");
    lesson l;
    auto o = quick(12);
    o.accumulate = 2;
    auto whole = l.start(l.config(), o);
    advance(whole, l, 12);
    {
        auto half = l.start(l.config(), o);
        advance(half, l, 7);
        REQUIRE(half.save(state, *l.corpus));
    }
    for (const std::size_t threads : {1u, 2u}) {
        lesson again(threads);
        auto o2 = o;
        o2.checkpoint_layers = threads;  // how it is computed is free to change
        if (threads == 2) o2.state_on_disk = folder.path("numbers");
        auto rest = again.start(again.config(), o2);
        REQUIRE(rest.resume(state, *again.corpus));
        CHECK(rest.step() == 7);
        advance(rest, again, 5);
        CHECK(copy(rest.weights()) == copy(whole.weights()));
        CHECK(rest.tokens() == whole.tokens());
    }
    CHECK(folder.files() == 1);
}

TEST_CASE("a state of another run is refused, and what differs is named") {
    const tests::scratch folder;
    const auto state = folder.path("state");
    lesson l;
    auto t = l.start(l.config(), quick(10));
    REQUIRE(t.save(state, *l.corpus));
    const auto why = [&](learn::trainer other, const learn::documents& corpus) {
        const auto done = other.resume(state, corpus);
        REQUIRE(!done);
        return done.error().message();
    };
    CHECK(why(l.start(l.config(1), quick(10)), *l.corpus).find("its shape is") != std::string::npos);
    CHECK(why(l.start(l.config(), quick(11)), *l.corpus).find("its options is steps 10") != std::string::npos);
    auto taught = quick(10);
    taught.teacher_share = 0.25f;
    CHECK(why(l.start(l.config(), taught), *l.corpus).find("teacher 0.5") != std::string::npos);
    const lesson other(1, "다른 글로는 이어서 배울 수 없다. 두 글은 서로 다르기 때문이다.\n");
    CHECK(why(l.start(l.config(), quick(10)), *other.corpus).find("its corpus is") != std::string::npos);
    std::ofstream(state, std::ios::app) << "x";
    CHECK(!l.start(l.config(), quick(10)).resume(state, *l.corpus));
}

TEST_CASE("two layers learn a hundred lines by heart") {
    lesson l;
    auto o = quick(220);
    o.sequences = 16, o.length = 64, o.rate = 4e-3f;
    auto t = l.start(l.config(2, 64), o);
    double loss = 0;
    for (int i = 0; i < 220; ++i) {
        const auto r = t.advance(*l.corpus);
        REQUIRE(r);
        if (i == 0) CHECK(r->loss == Approx(std::log(32000)).margin(0.2));
        loss = r->loss;
    }
    // A line is 30 tokens; which of a hundred it is cannot be known before its words say so: ln(100) / 30 = 0.15.
    CHECK(loss < 0.25);
    CHECK(t.validate(*l.corpus).mean() < 0.25);
}

TEST_CASE("a loss that is no number, or grows, ends the run and leaves the weights alone") {
    lesson l;
    auto t = l.start(l.config(), quick(1000));
    advance(t, l, 2);
    const auto before = copy(t.weights());
    t.weights()[5] = std::numeric_limits<float>::infinity();
    const auto r = t.advance(*l.corpus);
    REQUIRE(!r);
    CHECK(r.error().message().find("step 3: the loss is not a number") != std::string::npos);
    t.weights()[5] = before[5];
    CHECK(copy(t.weights()) == before);

    auto wild = quick(1000);
    wild.rate = 3, wild.warmup = 0, wild.clip = 1e9f;
    auto w = l.start(l.config(), wild);
    std::string message;
    for (int i = 0; i < 300 && message.empty(); ++i)
        if (const auto step = w.advance(*l.corpus); !step) message = step.error().message();
    CHECK(message.find("loss") != std::string::npos);
}

TEST_CASE("seen through the q4 grid, weights lose little when they are packed") {
    lesson l;
    auto o = quick(60);
    auto plain = l.start(l.config(), o);
    o.grid = true;
    auto grid = l.start(l.config(), o);
    advance(plain, l, 60);
    advance(grid, l, 60);
    const auto damage = [&](learn::trainer& t) {
        const auto& s = t.shape();
        std::size_t at = 0;
        const double before = t.validate(*l.corpus).mean();
        for (const auto& m : model::matrix_names(s))
            for (std::size_t r = 0; r < m.N; ++r, at += m.K)
                num::round_to_q4(t.weights().data() + at, copy(t.weights().subspan(at, m.K)).data(), m.K);
        return t.validate(*l.corpus).mean() - before;
    };
    CHECK(std::abs(damage(grid)) < 1e-3);  // it has seen the grid all along
    CHECK(damage(plain) > 1e-3);
}

TEST_CASE("the model that is written gives the losses that training saw") {
    const tests::scratch folder;
    const auto path = folder.path("model");
    lesson l;
    auto t = l.start(l.config(), quick(30));
    advance(t, l, 30);
    const auto bytes = t.write_model(path, l.file.bytes(), {});
    REQUIRE(bytes);
    const auto model = open(path);
    REQUIRE(model);
    session talk(*model, {.cache = cache_type::f32});
    learn::owned_batch b;
    l.corpus->fill(b, 0, 4, 32, 1);
    double nats = 0;
    std::size_t count = 0;
    for (std::size_t i = 0; i < b.ids.size(); ++i) {
        if (b.first[i] == i % 32) talk.reset();
        const auto logits = talk.feed(std::span(&b.ids[i], 1));
        REQUIRE(logits);
        double sum = 0;
        for (const auto v : *logits) sum += std::exp(static_cast<double>(v));
        nats += std::log(sum) - static_cast<double>((*logits)[b.targets[i]]);
        ++count;
    }
    auto team = sys::team::make(1);
    auto net = learn::network::make(t.shape(), {4, 32, 0, false}, **team, kernel::runnable_gemm().best());
    REQUIRE(net);
    const auto loss = net->run(t.weights().data(), nullptr, b.view());
    CHECK(loss.tokens == count);
    CHECK(loss.nats == Approx(nats).epsilon(1e-4));
}
