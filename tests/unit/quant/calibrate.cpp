// SPDX-License-Identifier: MIT
#include "narae/quant/calibrate.hpp"

#include <limits>

#include "models.hpp"
#include "narae/quant/convert.hpp"
#include "sys/scratch.hpp"

using namespace narae;
using model::format;
using quant::mask;

namespace {

const std::string tiny = NARAE_TESTS_DIR "/golden/models/tiny-neox-parallel";

/// Lines that the tokenizer of the golden models cuts into many tokens.
std::string sentences(std::size_t lines) {
    std::string all;
    for (std::size_t i = 0; i < lines; ++i)
        all += "나래는 " + std::to_string(i * i % 89) + "번째 문장을 읽고 " + std::to_string(i) + "번을 더 읽는다.\n";
    return all;
}

quant::convert_options asked(const std::string& calibrate, format type = format::q4, mask zeros = mask::none,
                             std::size_t threads = 2) {
    quant::convert_options o;
    o.type = type, o.threads = threads, o.calibrate = calibrate, o.slim.zeros = zeros;
    return o;
}

/// Sum over positions of |logits - those of the original|^2.
double distance(const std::string& path, const std::string& original) {
    const auto a = open(path), b = open(original);
    REQUIRE(a);
    REQUIRE(b);
    const auto ids = a->tokenizer()->encode(sentences(12));
    const std::span<const token::token_id> some(ids.data(), 200);
    std::vector<float> expected;
    session left(*a), right(*b);
    REQUIRE(right.feed_each(some, [&](std::size_t, std::span<const float> row) {
        expected.insert(expected.end(), row.begin(), row.end());
        return true;
    }));
    double sum = 0;
    std::size_t at = 0;
    REQUIRE(left.feed_each(some, [&](std::size_t, std::span<const float> row) {
        for (const float x : row) {
            const double off = static_cast<double>(x) - static_cast<double>(expected[at++]);
            sum += off * off;
        }
        return true;
    }));
    return sum;
}

}  // namespace

TEST_CASE("calibrate: ids come from all over the text, or one line says what is wrong") {
    const auto model = open(tiny);
    REQUIRE(model);
    const auto& t = *model->tokenizer();
    const auto from = sentences(300);
    const auto ids = quant::calibration_ids(t, from, 10, t.size(), 4);
    REQUIRE(ids);
    CHECK(ids->size() == 40);
    auto first = t.encode(from.substr(0, from.find('\n')));
    if (const auto end = t.end_of_text()) first.insert(first.begin(), *end);
    CHECK(std::equal(ids->begin(), ids->begin() + 10, first.begin()));
    const auto last = t.encode(from.substr(from.rfind('\n', from.size() - 2) + 1, from.npos));
    CHECK(ids->at(38) == last.at(last.size() - 3));  // the last one is the newline, which no sequence has

    const auto refusal = [&](std::string_view bad, std::size_t V) {
        const auto made = quant::calibration_ids(t, bad, 100, V, 3);
        REQUIRE(!made);
        return made.error().message();
    };
    CHECK(refusal("", 503) == "has 0 tokens; calibrating needs 300, 3 times 100");
    CHECK(refusal("나래\n\n", 503).find(" tokens; calibrating needs 300, 3 times 100") != std::string::npos);
    CHECK(refusal("나래\n\xFF", 503) == "line 2: not UTF-8 (byte 7)");
    CHECK(refusal(from, 2).find(" is not in the model, which has 2") != std::string::npos);
    CHECK(quant::calibration_ids(t, from, 10, t.size(), 1));
}

TEST_CASE("calibrate: less is lost than by rounding, zeros are where they should be, all threads write the same") {
    const tests::scratch folder;
    const auto lines = folder.path("lines"), plain = folder.path("plain"), made = folder.path("made");
    tests::write_file(lines, sentences(1200));
    for (const auto* name : {"tiny-neox-parallel", "tiny-neox-serial"}) {
        const std::string from = std::string(NARAE_TESTS_DIR "/golden/models/") + name;
        CAPTURE(name);
        REQUIRE(quant::convert(from, plain, {format::q4, 2}));
        const auto report = quant::convert(from, made, asked(lines));
        INFO((report ? "" : report.error().message()));
        REQUIRE(report);
        CHECK(distance(made, from) < distance(plain, from));
        CHECK(report->output_error > 0);
        CHECK(report->output_error <= report->worst_error);
        CHECK(report->worst_error < 0.1);
        const auto bytes = tests::read_file(made);
        REQUIRE(quant::convert(from, made, asked(lines, format::q4, mask::none, 3)));
        CHECK(tests::read_file(made) == bytes);
    }
    for (const auto type : {format::f32, format::f16, format::q8, format::q4})
        for (const auto zeros : {mask::share, mask::two_of_four, mask::four_of_eight}) {
            CAPTURE(model::format_name(type), static_cast<int>(zeros));
            const auto report = quant::convert(tiny, made, asked(lines, type, zeros));
            REQUIRE(report);
            CHECK(report->zeros >= 0.499);
            CHECK(report->zeros <= (model::packed(type) ? 0.6 : 0.501));
            const auto file = store::checkpoint::open(made);
            REQUIRE(file);
            const auto config = store::parse_config(file->config_text());
            REQUIRE(config);
            const model::shape s(*config);
            std::size_t few = 0, embedded = 0;
            for (const auto& m : model::matrix_names(s)) {
                const auto found = model::find_matrix(*file, m);
                REQUIRE(found);
                std::vector<float> row(m.K);
                const std::size_t of = zeros == mask::two_of_four ? 4 : 8;
                for (std::size_t r = 0; r < m.N; ++r) {
                    found->read_row(row.data(), r);
                    for (std::size_t i = 0; i + of <= m.K; i += of) {
                        std::size_t n = 0;
                        for (auto k = i; k < i + of; ++k) n += !(row[k] < 0 || row[k] > 0);
                        if (m.name.find(".layers.") == std::string::npos)
                            embedded += n;
                        else
                            few += zeros != mask::share && n < of / 2;
                    }
                }
            }
            CHECK(few == 0);
            if (!model::packed(type)) CHECK(embedded == 0);
        }
}

TEST_CASE("calibrate: the file tells what was done") {
    const tests::scratch folder;
    const auto lines = folder.path("lines \"1\".txt"), made = folder.path("made");
    tests::write_file(lines, sentences(1200));
    const auto report = quant::convert(tiny, made, asked(lines, format::q4, mask::two_of_four));
    REQUIRE(report);
    const auto file = store::checkpoint::open(made);
    REQUIRE(file);
    const auto history = text::json::parse(file->metadata("narae.history"));
    REQUIRE(history);
    REQUIRE(history->root().size() == 2);
    bool first = true;
    history->root().for_each([&](const text::json_value& step) {
        CHECK(step["step"].string() == (first ? "calibrate" : "convert"));
        double number = 0;
        if (!first) return true;
        CHECK(step["method"].string() == "gptq, sparsegpt");
        CHECK(step["sparsity"].string() == "2:4");
        CHECK(step["text"].string() == "lines \"1\".txt");
        CHECK(step["worst_of"].string() == report->worst);
        CHECK(step["output_error"].real(number));
        CHECK(std::abs(number - report->output_error) < 1e-6);
        CHECK(step["zeros"].real(number));
        CHECK(std::abs(number - report->zeros) < 1e-4);
        first = false;
        return true;
    });
}

TEST_CASE("calibrate: what cannot work leaves one line and no file") {
    const tests::scratch folder;
    const auto good = folder.path("good"), made = folder.path("made");
    tests::write_file(good, sentences(1200));
    const auto refusal = [&](const std::string& from, const quant::convert_options& o) {
        const auto done = quant::convert(from, made, o);
        CHECK(!tests::exists(made));
        CHECK(!tests::exists(made + ".part"));
        return done ? "accepted" : done.error().message();
    };
    const auto ends = [](const std::string& s, std::string_view end) { return std::string_view(s).ends_with(end); };
    CHECK(refusal(tiny, asked(folder.path("none"))).find("none: cannot open") != std::string::npos);
    const auto bad = folder.path("bad");
    tests::write_file(bad, sentences(20) + "\xC0\n");
    CHECK(refusal(tiny, asked(bad)).find("bad: line 21: not UTF-8") != std::string::npos);
    tests::write_file(bad, sentences(20));
    CHECK(refusal(tiny, asked(bad)).find(" tokens; calibrating needs ") != std::string::npos);
    CHECK(refusal(tiny, asked(good, format::f16)) == "a calibration text serves q4 and zeros only");
    CHECK(refusal(tiny, asked("", format::q4, mask::share)) == "zeros need a calibration text");
    auto many = asked(good, format::f32, mask::share);
    for (const double share : {0.0, 1.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
        many.slim.share = share;
        CHECK(refusal(tiny, many) == "the share of zeros is not between 0 and 1");
    }
    CHECK(!quant::convert(tiny, good, asked(good)));
    CHECK(tests::read_file(good) == sentences(1200));
    auto both = asked(good);
    both.tokenizer = tiny + "/tokenizer.json";
    CHECK(refusal(tiny, both) == "a model with a new tokenizer is trained before it is calibrated");
    many.slim.share = 0.999;
    const auto lost = refusal(tiny, many);
    INFO(lost);
    CHECK(
        ends(lost,
             ".weight: hardly anything of its outputs is left: so many zeros or this calibration text do not suit it"));

    const auto bare = folder.path("bare");
    tests::write_file(bare, models::random_file(models::config(1, 64, 4, 2, 96, 80, 0.5)));
    CHECK(ends(refusal(bare, asked(good)), "bare: has no tokenizer, which a calibration text needs"));

    // A weight that is none, in the middle of a layer.
    REQUIRE(quant::convert(tiny, bare, {format::f32, 1}));
    auto bytes = tests::read_file(bare);
    {
        const auto file = store::checkpoint::open(bare);
        REQUIRE(file);
        const auto* t = file->find("gpt_neox.layers.1.attention.dense.weight");
        REQUIRE(t != nullptr);
        store_le(bytes.data() + (t->bytes.data() - file->sources()[0].bytes.data()) + 4,
                 std::numeric_limits<float>::infinity());
    }
    const auto spoiled = folder.path("spoiled");
    tests::write_file(spoiled, bytes);
    CHECK(ends(refusal(spoiled, asked(good)), "attention.dense.weight: a weight: element [0, 1] is not finite"));
    quant::convert_options stop = asked(good);
    const auto stopped = quant::convert(tiny, made, stop, [](std::uint64_t, std::uint64_t) { return false; });
    REQUIRE(!stopped);
    CHECK(stopped.error().code == errc::cancelled);
}
