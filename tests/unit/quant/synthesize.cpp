// SPDX-License-Identifier: MIT
#include "narae/quant/synthesize.hpp"

#include "models.hpp"
#include "sys/scratch.hpp"

using namespace narae;
using model::format;

namespace {

bool close(double a, double b, double share) { return std::abs(a - b) <= share * std::abs(b); }

}  // namespace

TEST_CASE("quant/synthesize: shapes by name") {
    for (const auto& s : quant::named_shapes) {
        CHECK(quant::find_shape(s.name) == &s.config);
        CHECK(s.config.width == s.config.heads * s.config.head_width);
        CHECK(store::parse_config(store::config_json(s.config)));
    }
    CHECK(quant::find_shape("polyglot-ko-12.8b") == nullptr);
    const model::shape slim(*quant::find_shape("slim"));
    CHECK(slim.share() == 4);
    CHECK(slim.qkv_rows() == (8 + 2 * 2) * 96);
}

TEST_CASE("quant/synthesize: weights look like weights, and padding is zero") {
    const tests::scratch folder;
    const auto path = folder.path("out");
    const store::config odd{2, 72, 3, 1, 24, 88, 75, 64, 12, 10000, 1e-5, false, false};
    for (const auto type : {format::f32, format::f16, format::q8, format::q4}) {
        INFO(model::format_name(type));
        const auto bytes = quant::synthesize(odd, type, path, 7);
        REQUIRE(bytes);
        const auto first = tests::read_file(path);
        CHECK(*bytes == first.size());
        const auto from = store::checkpoint::open(path);
        REQUIRE(from);
        const auto config = store::parse_config(from->config_text());
        REQUIRE(config);
        const model::shape s(*config);
        REQUIRE(model::weights::bind(*from, s));
        for (const auto& m : model::matrix_names(s)) {
            const auto found = model::find_matrix(*from, m);
            REQUIRE(found);
            CHECK(found->view.type == type);
            std::vector<float> row(m.K), again(m.N * m.K);
            double sum = 0, squares = 0;
            for (std::size_t r = 0; r < m.N; ++r) {
                found->read_row(row.data(), r);
                for (std::size_t i = 0; i < m.K; ++i) {
                    sum += row[i];
                    squares += double{row[i]} * row[i];
                    CHECK(std::abs(row[i]) < 0.1f);
                    again[r * m.K + i] = row[i];
                }
            }
            const auto n = static_cast<double>(m.N * m.K);
            CHECK(std::abs(sum / n) < 0.002);
            CHECK(close(std::sqrt(squares / n), 0.02, 0.2));
            if (!model::packed(type)) continue;
            // All that stands in the padding is what packing zeros there would have put.
            const auto tile_bytes = model::matrix_bytes(type, 16, m.K);
            const auto scales = num::q8_layout::scale_bytes(m.K), groups = num::groups_of(m.K);
            for (std::size_t t = 0; t < num::tiles_of(m.N); ++t) {
                const auto* tile = found->view.data + t * tile_bytes;
                const auto rows = (std::min<std::size_t>)(16, m.N - t * 16);
                for (std::size_t r = 0; r < 16; ++r) {
                    for (std::size_t i = 0; i < groups * 64; ++i) {
                        const int code =
                            type == format::q8
                                ? static_cast<int>(static_cast<std::int8_t>(tile[scales + num::q8_layout::at(r, i)]))
                                : static_cast<int>(tile[scales + num::q4_layout::at(r, i)] >>
                                                   num::q4_layout::shift(i)) %
                                          16 -
                                      8;
                        if ((r >= rows || i >= m.K) && code != 0) FAIL_CHECK("row " << r << " column " << i);
                        if (code == -128) FAIL_CHECK("a code that q8 does not have");
                    }
                    for (std::size_t g = 0; r >= rows && g < groups; ++g)
                        CHECK(load_le<std::uint16_t>(tile + (g * 16 + r) * 2) == 0);
                }
                for (auto i = groups * 32; i < scales; ++i) CHECK(tile[i] == std::byte{0});
            }
        }
        REQUIRE(quant::synthesize(odd, type, path, 7));
        CHECK(tests::read_file(path) == first);
        REQUIRE(quant::synthesize(odd, type, path, 8));
        CHECK(tests::read_file(path) != first);
    }
}

TEST_CASE("quant/synthesize: a random model can be talked to, and writing one can be stopped") {
    const tests::scratch folder;
    const auto path = folder.path("out");
    const store::config small{2, 64, 4, 2, 16, 128, 80, 64, 8};
    const auto stopped = quant::synthesize(small, format::q4, path, 1,
                                           [](std::uint64_t done, std::uint64_t total) { return done * 2 < total; });
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == errc::cancelled);
    CHECK(folder.files() == 0);
    REQUIRE(quant::synthesize(small, format::q4, path));
    const auto m = open(path, {.threads = 1});
    REQUIRE(m);
    CHECK(m->tokenizer() == nullptr);
    session talk(*m);
    const std::vector<token_id> ids{1, 2, 3};
    const auto logits = talk.feed(ids);
    REQUIRE(logits);
    for (const float x : *logits) CHECK(std::isfinite(x));
    CHECK_FALSE(quant::synthesize({}, format::q4, path));
    CHECK_FALSE(quant::synthesize(small, format::bf16, path));
    CHECK_FALSE(quant::synthesize(small, format::q4, folder.path("no/folder")));
}
