// SPDX-License-Identifier: MIT
#include "narae/quant/rows.hpp"

#include <limits>

#include "models.hpp"
#include "sys/scratch.hpp"

using namespace narae;
using model::format;

namespace {

bool close(double a, double b, double share) { return std::abs(a - b) <= share * std::abs(b); }

}  // namespace

TEST_CASE("quant/rows: what a format cannot hold is found") {
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    for (const auto type : {format::f32, format::f16, format::q8, format::q4}) {
        const float fine[] = {0, -0.0f, 65504, -65504, 1e-40f};
        CHECK(quant::first_unfit(fine, 5, type) == 5);
        for (const float bad : {inf, -inf, nan, -nan}) {
            const float w[] = {1, bad, bad};
            CHECK(quant::first_unfit(w, 3, type) == 1);
        }
        const float large[] = {1, 2, 65505};
        CHECK(quant::first_unfit(large, 3, type) == (type == format::f32 ? 3 : 2));
    }
    CHECK(quant::unfit("file: name", nan, "3, 4").what == "file: name: element [3, 4] is not finite");
    CHECK(quant::unfit("file: name", -65505, "7").what ==
          "file: name: element [7] is larger than 65504, the largest that an f16 holds");
}

TEST_CASE("quant/rows: a matrix is planned as the model reads it") {
    const model::matrix_name m{"w", 33, 70};
    const auto q4 = quant::plan_matrix(m, format::q4);
    CHECK(q4.name == "w.q4");
    CHECK(q4.type == store::dtype::u8);
    CHECK(store::planned_bytes(q4) == model::matrix_bytes(format::q4, 33, 70));
    CHECK(q4.shape[0] == 3);
    CHECK(quant::plan_matrix(m, format::q8).name == "w.q8");
    const auto f16 = quant::plan_matrix(m, format::f16);
    CHECK(f16.name == "w");
    CHECK(f16.type == store::dtype::f16);
    CHECK(f16.shape == std::vector<std::uint64_t>{33, 70});
}

TEST_CASE("quant/rows: rows arrive once each, in order of tiles, for every number of threads", "[threads]") {
    // More than one batch of 4 MB, a last tile and a last group that are not full.
    constexpr std::size_t N = 3001, K = 700;
    const auto weight = [](std::size_t row, std::size_t i) {
        return static_cast<float>(static_cast<int>((row * 37 + i * 101) % 255) - 127) / 64.0f;
    };
    const tests::scratch folder;
    for (const auto type : {format::f32, format::f16, format::q8, format::q4}) {
        std::string first;
        double error = 0;
        for (const std::size_t threads : {1u, 2u, 3u}) {
            const auto path = folder.path("out");
            const auto plan = quant::plan_matrix({"w", N, K}, type);
            quant::progress_count count;
            auto out = quant::model_writer::create(path, {plan}, {}, type, threads, count);
            REQUIRE(out);
            std::size_t batches = 0;
            out->matrix(
                "w", N, K,
                [&](std::size_t row, float* w) {
                    for (std::size_t i = 0; i < K; ++i) w[i] = weight(row, i);
                },
                [&] { ++batches; });
            CHECK(batches >= 1);
            CHECK(count.done == store::planned_bytes(plan));
            REQUIRE(out->file.commit());
            const auto file = tests::read_file(path);
            if (threads == 1) {
                first = file;
                error = out->weight_error();
                const auto parsed = store::parse_safetensors(as_bytes(file));
                REQUIRE(parsed);
                const model::matrix m{type, N, K, parsed->tensors[0].bytes.data()};
                std::vector<float> back(K);
                double squares = 0, lost = 0;
                for (std::size_t row = 0; row < N; ++row) {
                    model::copy_row(back.data(), m, row);
                    for (std::size_t i = 0; i < K; ++i) {
                        const double w = weight(row, i), d = w - back[i];
                        squares += w * w;
                        lost += d * d;
                    }
                }
                CHECK(close(error, std::sqrt(lost / squares), 1e-9));
                if (type == format::f32 || type == format::f16) CHECK(error == 0);
                if (type == format::q8) CHECK((error > 0 && error < 0.01));
                if (type == format::q4) CHECK((error > 0.01 && error < 0.1));
            }
            CHECK(file == first);
            CHECK(out->weight_error() == error);
        }
    }
}

TEST_CASE("quant/rows: the first unfit weight is named, whichever thread meets it", "[threads]") {
    const tests::scratch folder;
    for (const std::size_t threads : {1u, 3u}) {
        const auto plan = quant::plan_matrix({"w", 100, 8}, format::q4);
        quant::progress_count count;
        auto out = quant::model_writer::create(folder.path("out"), {plan}, {}, format::q4, threads, count);
        REQUIRE(out);
        out->matrix(
            "there", 100, 8,
            [](std::size_t row, float* w) {
                for (std::size_t i = 0; i < 8; ++i) w[i] = row >= 40 && i == 5 ? 1e6f : 1.0f;
            },
            [] {});
        const auto written = out->file.commit();
        REQUIRE_FALSE(written);
        CHECK(written.error().what.find("there: element [40, 5]") == 0);
    }
}
