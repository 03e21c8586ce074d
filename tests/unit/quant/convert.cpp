// SPDX-License-Identifier: MIT
#include "narae/quant/convert.hpp"

#include <cinttypes>
#include <cstdio>
#include <limits>

#include "models.hpp"
#include "sys/scratch.hpp"

using namespace narae;
using model::format;

namespace {

bool close(double a, double b, double share) { return std::abs(a - b) <= share * std::abs(b); }

constexpr format targets[] = {format::f32, format::f16, format::q8, format::q4};

struct opened {
    store::checkpoint from;
    model::shape s;
};

opened open_for_test(const std::string& path) {
    auto from = store::checkpoint::open(path);
    INFO(path << (from ? "" : from.error().message()));
    REQUIRE(from);
    const auto config = store::parse_config(from->config_text());
    REQUIRE(config);
    return {std::move(*from), model::shape(*config)};
}

/// A narae file of f32 weights, and what to do to it first.
std::string small_model(const tests::scratch& folder, const std::string& name) {
    const auto path = folder.path(name);
    tests::write_file(path, models::random_file(models::config(2, 64, 4, 2, 96, 80, 0.5)));
    return path;
}

std::string refusal(const std::string& from, const std::string& to, format type = format::q4) {
    const auto done = quant::convert(from, to, {type, 1});
    return done ? "accepted" : done.error().what;
}

}  // namespace

TEST_CASE("quant/convert: every reference checkpoint, to every type") {
    const tests::scratch folder;
    const auto to = folder.path("out.safetensors");
    for (const auto& path : models::folders()) {
        const auto source = open_for_test(path);
        for (const auto type : targets) {
            INFO(path << " to " << model::format_name(type));
            const auto report = quant::convert(path, to, {type, 2});
            REQUIRE(report);
            CHECK(report->ignored.empty());
            const auto made = open_for_test(to);
            REQUIRE(model::weights::bind(made.from, made.s));
            CHECK(made.from.is_narae());
            CHECK(made.from.config_text() == source.from.config_text());
            const auto packed = token::pack_tokenizer(source.from.tokenizer_json());
            REQUIRE(packed);
            CHECK(as_text(made.from.tokenizer_json()) == *packed);
            CHECK(report->file_bytes == tests::read_file(to).size());

            std::size_t wrong = 0;
            double squares = 0, lost = 0;
            std::uint64_t weights = 0;
            for (const auto& m : model::matrix_names(source.s)) {
                const auto before = model::find_matrix(source.from, m), after = model::find_matrix(made.from, m);
                REQUIRE(before);
                REQUIRE(after);
                CHECK(after->view.type == type);
                std::vector<float> a(m.K), b(m.K);
                weights += m.N * m.K;
                for (std::size_t row = 0; row < m.N; ++row) {
                    before->read_row(a.data(), row);
                    after->read_row(b.data(), row);
                    for (std::size_t i = 0; i < m.K; ++i) {
                        squares += double{a[i]} * a[i];
                        lost += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
                        if (type == format::f32 && a[i] != b[i]) ++wrong;
                        if (type == format::f16 && num::f32_to_f16(a[i]) != num::f32_to_f16(b[i])) ++wrong;
                        if (!model::packed(type)) continue;
                        const auto* begin = a.data() + i / num::group_len * num::group_len;
                        const auto* end = (std::min<const float*>)(begin + num::group_len, a.data() + m.K);
                        float largest = 0;
                        for (const auto* w = begin; w < end; ++w)
                            largest = std::abs(*w) > std::abs(largest) ? *w : largest;
                        // The steps of q4 reach 8 on the side of the largest weight, 7 on the other.
                        const float step = std::abs(largest) / (type == format::q8 ? 127.0f : 8.0f) * 1.001f;
                        const bool cut = type == format::q4 && a[i] * largest < 0 && std::abs(a[i]) > 7.45f * step;
                        if (std::abs(a[i] - b[i]) > (cut ? 1.0f : 0.5f) * step) ++wrong;
                    }
                }
            }
            CHECK(wrong == 0);
            CHECK(close(report->weight_error, std::sqrt(lost / squares), 1e-6));
            for (const auto& [name, n] : model::vector_names(source.s)) {
                const auto before = model::find_floats(source.from, name, {n});
                const auto after = model::find_floats(made.from, name, {n});
                REQUIRE(before);
                REQUIRE(after);
                CHECK((*after)->type == store::dtype::f32);
                weights += n;
                for (std::size_t i = 0; i < n; ++i) wrong += model::element(**before, i) != model::element(**after, i);
            }
            CHECK(wrong == 0);
            CHECK(report->weights == weights);
        }
    }
}

TEST_CASE("quant/convert: the file tells what was done, and from what") {
    const tests::scratch folder;
    const auto from = std::string(NARAE_TESTS_DIR "/golden/models/tiny-neox-parallel");
    const auto half = folder.path("half"), small = folder.path("small");
    REQUIRE(quant::convert(from, half, {format::f16, 1}));
    const auto report = quant::convert(half, small, {format::q8, 1});
    REQUIRE(report);
    const auto made = open_for_test(small);
    const auto history = text::json::parse(made.from.metadata("narae.history"));
    REQUIRE(history);
    std::vector<std::string> steps;
    history->root().for_each([&](const text::json_value& step) {
        std::uint64_t weights = 0;
        double error = -1, bits = 0;
        CHECK(step["weights"].whole(weights));
        CHECK(step["weight_error"].real(error));
        CHECK(step["bits_per_weight"].real(bits));
        CHECK(weights == report->weights);
        if (step["type"].string() == "q8") {
            CHECK(close(error, report->weight_error, 1e-6));
            CHECK(close(bits, report->bits_per_weight(), 1e-4));
        }
        steps.push_back(step["step"].string() + " " + step["type"].string() + " " + step["narae"].string());
        return true;
    });
    CHECK(steps == std::vector<std::string>{"convert f16 " + std::string(version_text),
                                            "convert q8 " + std::string(version_text)});
    const auto sources = text::json::parse(made.from.metadata("narae.source"));
    REQUIRE(sources);
    const std::string files[] = {from + "/model.safetensors", half};
    REQUIRE(sources->root().size() == 2);
    std::size_t at = 0;
    sources->root().for_each([&](const text::json_value& file) {
        const auto bytes = tests::read_file(files[at]);
        CHECK(file["name"].string() == files[at].substr(files[at].rfind('/') + 1));
        char hash[17];
        std::snprintf(hash, sizeof hash, "%016" PRIx64, store::fnv1a64(as_bytes(bytes)));
        CHECK(file["fnv1a64"].string() == hash);
        std::uint64_t size = 0;
        CHECK(file["size"].whole(size));
        CHECK(size == bytes.size());
        ++at;
        return true;
    });
}

TEST_CASE("quant/convert: a model file whose tokenizer is still text opens and converts") {
    const tests::scratch folder;
    const auto from = std::string(NARAE_TESTS_DIR "/golden/models/tiny-neox-parallel");
    REQUIRE(quant::convert(from, folder.path("new"), {format::f32, 1}));
    const auto made = open_for_test(folder.path("new"));
    const auto json = tests::read_file(from + "/tokenizer.json");
    std::vector<store::tensor_plan> plan;
    for (const auto& t : made.from.tensors()) plan.push_back({t.name, t.type, t.shape});
    REQUIRE(plan.back().name == store::narae_tokenizer);
    plan.back().shape = {json.size()};
    auto out = store::safetensors_writer::create(folder.path("old"), plan, made.from.metadata());
    REQUIRE(out);
    for (const auto& t : made.from.tensors()) out->append(t.name == store::narae_tokenizer ? as_bytes(json) : t.bytes);
    REQUIRE(out->commit());

    const auto a = open(folder.path("old")), b = open(folder.path("new"));
    REQUIRE(a);
    REQUIRE(b);
    CHECK(a->tokenizer()->count() == b->tokenizer()->count());
    CHECK(a->tokenizer()->encode("나래를 펴고") == b->tokenizer()->encode("나래를 펴고"));
    REQUIRE(quant::convert(folder.path("old"), folder.path("again"), {format::f32, 1}));
    const auto again = open_for_test(folder.path("again"));
    CHECK(as_text(again.from.tokenizer_json()) == as_text(made.from.tokenizer_json()));
}

TEST_CASE("quant/convert: packed tensors begin on 64-byte boundaries") {
    const tests::scratch folder;
    const auto file = [&](format type) {
        REQUIRE(quant::convert(small_model(folder, "in"), folder.path("out"), {type, 1}));
        return tests::read_file(folder.path("out"));
    };
    for (const auto type : {format::q4, format::q8}) {
        const auto bytes = file(type);
        const auto parsed = store::parse_safetensors(as_bytes(bytes));
        REQUIRE(parsed);
        for (const auto& t : parsed->tensors)
            if (t.type == store::dtype::u8)
                CHECK((t.bytes.data() - reinterpret_cast<const std::byte*>(bytes.data())) % 64 == 0);
    }
}

TEST_CASE("quant/convert: the same bytes for every number of threads", "[threads]") {
    const tests::scratch folder;
    const auto from = std::string(NARAE_TESTS_DIR "/golden/models/tiny-neox-serial");
    for (const auto type : targets) {
        std::string first;
        for (const std::size_t threads : {1u, 2u, 3u}) {
            REQUIRE(quant::convert(from, folder.path("out"), {type, threads}));
            const auto file = tests::read_file(folder.path("out"));
            if (threads == 1) first = file;
            CHECK(file == first);
        }
    }
}

TEST_CASE("quant/convert: tensors of no model are told, known buffers are not") {
    const tests::scratch folder;
    const auto text = models::config(1, 16, 2, 2, 16, 16, 0.5, true, true);
    const model::shape s(*store::parse_config(text));
    std::vector<store::tensor_plan> plan;
    for (const auto& m : model::matrix_names(s)) plan.push_back({m.name, store::dtype::f32, {m.N, m.K}});
    for (const auto& [name, n] : model::vector_names(s)) plan.push_back({name, store::dtype::f32, {n}});
    plan.push_back({"gpt_neox.layers.0.attention.bias", store::dtype::boolean, {1, 1, 4, 4}});
    plan.push_back({"gpt_neox.layers.0.attention.masked_bias", store::dtype::f32, {}});
    plan.push_back({"gpt_neox.layers.0.attention.rotary_emb.inv_freq", store::dtype::f32, {2}});
    plan.push_back({"gpt_neox.rotary_emb.inv_freq", store::dtype::f32, {2}});
    plan.push_back({"embed_out.weight", store::dtype::f32, {16, 16}});
    plan.push_back({"gpt_neox.layers.1.attention.dense.weight", store::dtype::f32, {16, 16}});
    plan.push_back({"adapter", store::dtype::i64, {3}});
    auto out = store::safetensors_writer::create(folder.path("model.safetensors"), plan, {{"format", "pt"}});
    REQUIRE(out);
    for (const auto& t : plan)
        out->append(as_bytes(std::string(static_cast<std::size_t>(store::planned_bytes(t)), '\0')));
    REQUIRE(out->commit());
    tests::write_file(folder.path("config.json"), text);
    const auto report = quant::convert(folder.path(), folder.path("out"), {format::q4, 1});
    REQUIRE(report);
    CHECK(report->ignored == std::vector<std::string>{"gpt_neox.layers.1.attention.dense.weight", "adapter"});
    const auto made = open_for_test(folder.path("out"));
    CHECK(made.from.tensors().size() == 5 + 10);
    CHECK(report->weight_error == 0);  // of zeros
}

TEST_CASE("quant/convert: what cannot be converted is refused by name, and nothing is left") {
    const tests::scratch folder;
    const auto in = small_model(folder, "in"), out = folder.path("out");
    REQUIRE(quant::convert(in, folder.path("packed"), {format::q4, 1}));
    const auto files = folder.files();
    CHECK(refusal(folder.path("packed"), out).find("packed: gpt_neox.embed_in.weight.q4: is packed already") !=
          std::string::npos);
    CHECK(refusal(folder.path("none"), out).find("none: cannot open") != std::string::npos);
    CHECK(refusal(in, in).find("is a file of the checkpoint itself") != std::string::npos);
    CHECK(refusal(in, folder.path() + "/./in").find("is a file of the checkpoint itself") != std::string::npos);
    CHECK(refusal(in, folder.path("no/folder")).find("no/folder: cannot write: ") != std::string::npos);
    CHECK(refusal(in, folder.path()).find("is a folder") != std::string::npos);
    CHECK(refusal(in, out, format::bf16).find("bf16") != std::string::npos);

    // The last four bytes of the file are the end of gpt_neox.final_layer_norm.bias.
    auto bytes = tests::read_file(in);
    store_le(bytes.data() + bytes.size() - 4, std::numeric_limits<float>::infinity());
    tests::write_file(folder.path("in"), bytes);
    CHECK(refusal(in, out).find("in: gpt_neox.final_layer_norm.bias: element [63] is not finite") != std::string::npos);
    store_le(bytes.data() + bytes.size() - 4, 1.0f);
    const auto data = bytes.find('}', bytes.rfind("data_offsets")) + 1;
    const auto begin = round_up(data, 64);
    store_le(bytes.data() + begin + (64 * 3 + 7) * 4, -70000.0f);
    tests::write_file(folder.path("in"), bytes);
    CHECK(refusal(in, out).find("in: gpt_neox.embed_in.weight: element [3, 7] is larger than 65504") !=
          std::string::npos);
    CHECK(folder.files() == files);
    CHECK(refusal(in, out, format::f32) == "accepted");
}

TEST_CASE("quant/convert: progress rises to the end, and can stop the work at any point") {
    const tests::scratch folder;
    const auto in = small_model(folder, "in"), out = folder.path("out");
    tests::write_file(out, "old");
    std::size_t calls = 0;
    std::uint64_t last = 0, end = 0;
    const auto count = [&](std::uint64_t done, std::uint64_t total) {
        CHECK(done > last);
        last = done;
        end = total;
        ++calls;
        return true;
    };
    REQUIRE(quant::convert(in, out, {format::q4, 1}, count));
    CHECK(calls == 1 + 10);
    CHECK(last == end);
    tests::write_file(out, "old");
    for (std::size_t stop = 0; stop < calls; ++stop) {
        std::size_t n = 0;
        const auto done =
            quant::convert(in, out, {format::q4, 1}, [&](std::uint64_t, std::uint64_t) { return n++ != stop; });
        REQUIRE_FALSE(done);
        CHECK(done.error().code == errc::cancelled);
        CHECK(tests::read_file(out) == "old");
        CHECK(folder.files() == 2);
    }
}
