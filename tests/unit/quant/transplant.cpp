// SPDX-License-Identifier: MIT
#include "narae/quant/transplant.hpp"

#include <random>

#include "models.hpp"
#include "narae/quant/export.hpp"
#include "sys/scratch.hpp"
#include "token/cases.hpp"
#include "token/file.hpp"

using namespace narae;
using cases::ids;
using file = tokenizer_file;
using model::format;
using quant::transplant;

namespace {

token::tokenizer make(const file& f) { return cases::parsed(f.text()); }

ids pieces(const transplant& t, std::size_t row) {
    const auto p = t.pieces_of(row);
    return {p.begin(), p.end()};
}

file old_file() {
    file f;
    f.words = {"ab", file::key(" a"), file::key("가")};
    f.merges = R"(["a b",")" + file::key(" ") + R"( a"])";
    f.added = "[" + file::token(259, "<|endoftext|>", "special") + "," + file::token(260, "<|sep|>", "special") + "]";
    return f;
}

file new_file() {
    file f;
    f.words = {"abab", file::key(" ab"), "ab", file::key("가b")};
    f.merges = R"(["a b",")" + file::key(" ") + R"( ab","ab ab"])";
    f.added = "[" + file::token(258, "ab") + "," + file::token(260, "<|sep|>", "special") + "," +
              file::token(261, "</s>", "special") + "," + file::token(262, "<|x|>", "special") + "]";
    return f;
}

/// A matrix of random numbers in memory, in any of the formats of checkpoints.
struct random_matrix {
    std::vector<std::byte> bytes;
    store::tensor tensor;
    model::stored_matrix stored;

    random_matrix(store::dtype type, std::size_t N, std::size_t K, bool strided) {
        std::mt19937 random(7);
        const auto size = store::dtype_size(type);
        bytes.resize(N * K * size);
        for (std::size_t i = 0; i < N * K; ++i) {
            const float x = static_cast<float>(static_cast<int>(random() % 2001) - 1000) / 256.0f;
            if (type == store::dtype::f32) store_le(bytes.data() + i * 4, x);
            if (type == store::dtype::f16) store_le(bytes.data() + i * 2, num::f32_to_f16(x));
            if (type == store::dtype::bf16)
                store_le(bytes.data() + i * 2, static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16));
        }
        tensor.name = "w";
        tensor.type = type;
        tensor.shape = {N, K};
        tensor.strides = strided ? std::vector<std::uint64_t>{1, N} : std::vector<std::uint64_t>{K, 1};
        tensor.bytes = bytes;
        const auto f = type == store::dtype::f32 ? format::f32 : type == store::dtype::f16 ? format::f16 : format::bf16;
        stored = {&tensor, {f, N, K, strided ? nullptr : bytes.data()}};
    }
};

/// Which file a transplanted checkpoint is read from, and by which shape.
struct opened {
    store::checkpoint from;
    store::config config;
};
opened open_for_test(const std::string& path) {
    auto from = store::checkpoint::open(path);
    INFO(path << (from ? "" : from.error().message()));
    REQUIRE(from);
    const auto config = store::parse_config(from->config_text());
    REQUIRE(config);
    return {std::move(*from), *config};
}

const std::string golden = NARAE_TESTS_DIR "/golden/";

}  // namespace

TEST_CASE("quant/transplant: rows come from the old tokens that spell the new one") {
    const auto from = make(old_file()), to = make(new_file());
    const auto t = transplant::make(from, 300, to);
    CHECK(t.rows() == 320);
    CHECK(t.tokens() == 263);
    for (token::token_id b = 0; b < 256; ++b) CHECK(pieces(t, b) == ids{b});
    CHECK(pieces(t, 256) == ids{256, 256});                 // abab
    CHECK(pieces(t, 257) == ids{' ', 256});                 // " ab"
    CHECK(pieces(t, 258) == ids{256});                      // an added token, there spelled by one that is none
    CHECK(pieces(t, 259) == ids{0xEA, 0xB0, 0x80, 'b'});    // what encoding gives, even where a token would do
    CHECK(pieces(t, 260) == ids{260});                      // the same special token
    CHECK(pieces(t, 261) == ids{259});                      // the end of a text, by another name
    CHECK(pieces(t, 262) == ids{'<', '|', 'x', '|', '>'});  // a new one
    for (std::size_t row = 263; row < 320; ++row) CHECK(pieces(t, row) == ids{261});  // the first without a token
    CHECK(t.copied() == (256 + 3) / 263.0);
    CHECK(t.pieces() == (256 + 2 + 2 + 1 + 4 + 1 + 1 + 5) / 263.0);
    CHECK(pieces(transplant::make(from, 261, to), 300).empty());  // every old row has a token
}

TEST_CASE("quant/transplant: special tokens of a text are special, of a plain token they are text") {
    auto f = new_file();
    f.words[0] = "<|sep|>";
    f.merges = "[]";
    f.added = "[]";
    f.words.resize(1);
    const auto t = transplant::make(make(old_file()), 300, make(f));
    CHECK(pieces(t, 256) == ids{'<', '|', 's', 'e', 'p', '|', '>'});
}

TEST_CASE("quant/transplant: half characters are looked up by their bytes") {
    file from, to;
    from.words = {file::key("\xEA\xB0"), file::key("a\xEA"), file::key("a\xEA\xB0")};
    from.merges = R"(["\u00EA \u00B0","a \u00EA\u00B0"])";
    to.words = {file::key("a\xEA\xB0"), file::key("a\xEA"), file::key("b\xEA")};
    const auto t = transplant::make(make(from), 300, make(to));
    CHECK(make(from).encode("a\xEA\xB0").size() == 2);
    CHECK(pieces(t, 256) == ids{258});
    CHECK(pieces(t, 257) == ids{257});
    CHECK(pieces(t, 258) == ids{'b', 0xEA});
}

TEST_CASE("quant/transplant: a copy is exact, several rows give their mean") {
    const auto from = make(old_file()), to = make(new_file());
    const auto t = transplant::make(from, 300, to);
    for (const auto type : {store::dtype::f32, store::dtype::f16, store::dtype::bf16})
        for (const bool strided : {false, true}) {
            const std::size_t K = 300;
            const double ratio = strided ? 1 : 0.5;
            const random_matrix old(type, 300, K, strided);
            std::vector<float> row(K), one(K);
            std::size_t wrong = 0;
            for (std::size_t r = 0; r < t.rows(); ++r) {
                std::vector<double> mean(K, 0.0);
                double weight = 1, weights = 0;
                for (std::size_t n = t.pieces_of(r).size(); n-- > 0; weight *= ratio) weights += weight;
                weight = 1;
                for (const auto id : t.pieces_of(r)) {
                    old.stored.read_row(one.data(), id);
                    for (std::size_t i = 0; i < K; ++i) mean[i] += one[i] * weight / weights;
                    weight *= ratio;
                }
                t.read_row(row.data(), r, old.stored, ratio);
                for (std::size_t i = 0; i < K; ++i)
                    wrong += t.pieces_of(r).size() == 1 ? row[i] != one[i] : std::abs(row[i] - mean[i]) > 1e-6;
            }
            CHECK(wrong == 0);
        }
    const random_matrix old(store::dtype::f32, 261, 16, false);
    std::vector<float> row(16, 1.0f);
    transplant::make(from, 261, to).read_row(row.data(), 300, old.stored, 2);
    CHECK(row == std::vector<float>(16, 0.0f));
}

TEST_CASE("quant/transplant: the config names rows and special tokens anew") {
    const auto from = make(old_file()), to = make(new_file());
    const auto config = quant::transplanted_config(
        R"({ "vocab_size" : 300,"bos_token_id":259, "eos_token_id": 259,"sep_token_id":260,"pad_token_id":97,)"
        R"("unk_token_id":null,"x_token_id":299,"token_id":1,"more":{"vocab_size":1}})",
        from, to, 320);
    REQUIRE(config);
    CHECK(*config ==
          R"({ "vocab_size" : 320,"bos_token_id":261, "eos_token_id": 261,"sep_token_id":260,"pad_token_id":null,)"
          R"("unk_token_id":null,"x_token_id":null,"token_id":1,"more":{"vocab_size":1}})");
    CHECK_FALSE(quant::transplanted_config("{", from, to, 320));
}

TEST_CASE("quant/transplant: a checkpoint keeps its mind where the vocabulary is the same") {
    for (const auto& path : models::folders()) {
        CAPTURE(path);
        const tests::scratch folder;
        const auto report = quant::convert(path, folder.path("out"), {format::f32, 2, path + "/tokenizer.json"});
        INFO(report.error().message());
        REQUIRE(report);
        CHECK(report->tokens_copied == 1);
        CHECK(report->tokens_pieces == 1);
        const auto a = open(path, {.threads = 1}), b = open(folder.path("out"), {.threads = 1});
        REQUIRE(a);
        REQUIRE(b);
        CHECK(report->tokens == a->tokenizer()->count());
        const auto text = a->tokenizer()->encode("나래를 펴고 날아올랐다.");
        CHECK(b->tokenizer()->encode("나래를 펴고 날아올랐다.") == text);
        session talk_a(*a, {.cache = cache_type::f32}), talk_b(*b, {.cache = cache_type::f32});
        const auto x = talk_a.feed(text), y = talk_b.feed(text);
        REQUIRE(x);
        REQUIRE(y);
        std::size_t wrong = 0;
        for (std::size_t id = 0; id < a->tokenizer()->size(); ++id) wrong += (*x)[id] != (*y)[id];
        CHECK(wrong == 0);
    }
}

TEST_CASE("quant/transplant: a new vocabulary in a whole model") {
    const auto json = cases::slurp(golden + "tokenizers/mid.json");
    const auto to = cases::parsed(json);
    for (const auto& path : models::folders()) {
        CAPTURE(path);
        const tests::scratch folder;
        const auto source = open_for_test(path);
        const auto old = token::tokenizer::parse(source.from.tokenizer_json());
        REQUIRE(old);
        const auto t = transplant::make(*old, source.config.vocab, to);
        const auto report = quant::convert(path, folder.path("out"), {format::f32, 2, golden + "tokenizers/mid.json"});
        INFO(report.error().message());
        REQUIRE(report);
        CHECK(report->tokens == to.count());
        CHECK(report->tokens_copied == t.copied());
        CHECK(report->tokens_pieces == t.pieces());

        const auto made = open_for_test(folder.path("out"));
        CHECK(made.config.vocab == round_up(to.size(), 64));
        CHECK(made.config.tied == source.config.tied);
        CHECK((made.from.find("embed_out.weight") == nullptr) == source.config.tied);
        const auto history = text::json::parse(made.from.metadata("narae.history"));
        REQUIRE(history);
        std::string steps;
        history->root().for_each([&](const text::json_value& step) {
            steps += step["step"].string() + " ";
            double copied = -1, each = -1;
            if (step["copied"].real(copied) && step["pieces"].real(each)) {
                CHECK(std::abs(copied - t.copied()) < 1e-4);
                CHECK(std::abs(each - t.pieces()) < 1e-4);
                CHECK(step["tokens"].raw() == std::to_string(to.count()));
            }
            return true;
        });
        CHECK(steps == "tokenizer convert ");
        for (const auto& m : model::matrix_names(model::shape(source.config))) {
            const bool vocabulary = m.name.find("embed") != m.name.npos;
            const auto a = model::find_matrix(source.from, m);
            const auto b = model::find_matrix(made.from, {m.name, vocabulary ? made.config.vocab : m.N, m.K});
            REQUIRE(a);
            REQUIRE(b);
            std::vector<float> x(m.K), y(m.K);
            std::size_t wrong = 0;
            const double ratio = source.config.tied             ? quant::tied_ratio
                                 : m.name == "embed_out.weight" ? quant::head_ratio
                                                                : quant::embedding_ratio;
            for (std::size_t row = 0; row < b->view.N; ++row) {
                vocabulary ? t.read_row(x.data(), row, *a, ratio) : a->read_row(x.data(), row);
                b->read_row(y.data(), row);
                wrong += x != y;
            }
            CHECK(wrong == 0);
        }
        const auto opened_model = open(folder.path("out"));
        INFO((opened_model ? "" : opened_model.error().message()));
        REQUIRE(opened_model);
        session talk(*opened_model);
        CHECK(talk.generate("나래를", {.max_tokens = 4}));

        REQUIRE(quant::convert(path, folder.path("small"), {format::q4, 1, golden + "tokenizers/mid.json"}));
        REQUIRE(open(folder.path("small")));
        const tests::scratch hf;
        REQUIRE(quant::export_checkpoint(folder.path("out"), hf.path(), format::f16));
        const auto back = cases::parsed(tests::read_file(hf.path("tokenizer.json")));
        CHECK(back.encode("나래를 펴고") == to.encode("나래를 펴고"));
    }
}

TEST_CASE("quant/transplant: the same bytes for every number of threads, progress to the end", "[threads]") {
    const tests::scratch folder;
    const auto from = golden + "models/tiny-neox-serial", tokenizer = golden + "tokenizers/mid.json";
    std::string first;
    for (const std::size_t threads : {1u, 2u, 3u}) {
        std::uint64_t last = 0, end = 0;
        REQUIRE(quant::convert(from, folder.path("out"), {format::q8, threads, tokenizer},
                               [&](std::uint64_t done, std::uint64_t total) {
                                   last = done, end = total;
                                   return true;
                               }));
        CHECK(last == end);
        const auto bytes = tests::read_file(folder.path("out"));
        if (threads == 1) first = bytes;
        CHECK(bytes == first);
    }
}

TEST_CASE("quant/transplant: what cannot be is refused in one line, and nothing is left") {
    const tests::scratch folder;
    const auto from = golden + "models/tiny-neox-parallel";
    const auto refusal = [&](const std::string& source, const std::string& tokenizer, const std::string& to) {
        const auto done = quant::convert(source, to, {format::f16, 1, tokenizer});
        return done ? "accepted" : done.error().what;
    };
    const auto out = folder.path("out"), json = folder.path("t.json"), bare = folder.path("bare");
    tests::write_file(json, cases::slurp(golden + "tokenizers/tiny.json"));
    tests::write_file(bare, models::random_file(models::config(1, 32, 2, 2, 32, 64, 0.5)));
    tests::write_file(folder.path("bad.json"), "{}");
    const auto files = folder.files();
    CHECK(refusal(bare, json, out) == bare + ": has no tokenizer, which a new one needs to know the old rows by");
    CHECK(refusal(from, folder.path("none"), out).starts_with(folder.path("none") + ": cannot open"));
    CHECK(refusal(from, folder.path("bad.json"), out).starts_with(folder.path("bad.json") + ": tokenizer.json: "));
    CHECK(refusal(from, json, json) == json + ": cannot write: is the new tokenizer itself");
    auto empty = file();
    empty.first_byte = 255;
    tests::write_file(folder.path("bad.json"), empty.text());
    CHECK(refusal(from, folder.path("bad.json"), out) == "accepted");  // one byte is a vocabulary
    std::filesystem::remove(out);
    auto text = empty.text();
    const auto at = text.find("\"vocab\":{") + 9;
    text.erase(at, text.find("},\"merges\"") - at);
    tests::write_file(folder.path("bad.json"), text);
    CHECK(refusal(from, folder.path("bad.json"), out) == folder.path("bad.json") + ": has no tokens");
    CHECK(folder.files() == files);
}
