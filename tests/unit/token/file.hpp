// SPDX-License-Identifier: MIT
// Writes small tokenizer.json texts for tests: every byte has a token, byte b has id b, and parts can be exchanged.
#ifndef NARAE_TESTS_UNIT_TOKEN_FILE_HPP
#define NARAE_TESTS_UNIT_TOKEN_FILE_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "narae/text/json.hpp"
#include "narae/token/tokenizer_json.hpp"

struct tokenizer_file {
    std::string normalizer = "null";
    std::string pre_tokenizer = R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true})";
    std::string post_processor = "null";
    std::string decoder = R"({"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true})";
    std::string model = R"("type":"BPE",)";  ///< members before vocab and merges
    std::string root;                        ///< members after all others
    std::string merges = "[]";
    std::vector<std::string> words;  ///< keys of the ids after the 256 bytes
    std::string added = "[]";
    int first_byte = 0;  ///< bytes below have no token

    /// The key that spells these bytes.
    static std::string key(const std::string& bytes) {
        std::string out;
        for (const char b : bytes)
            for (char32_t c = 0; c < 0x144; ++c)
                if (narae::token::alphabet_byte(c) == static_cast<unsigned char>(b)) narae::text::utf8_append(out, c);
        return out;
    }

    /// An added token; flags name what is true.
    static std::string token(int id, const std::string& content, const std::string& flags = "") {
        std::string out = "{\"id\":" + std::to_string(id) + ",\"content\":" + narae::text::json_quote(content);
        for (const std::string f : {"single_word", "lstrip", "rstrip", "normalized", "special"})
            out += ",\"" + f + "\":" + (flags.find(f) == std::string::npos ? "false" : "true");
        return out + "}";
    }

    /// A boundary weight of narae(); all values occur.
    static std::int8_t weight(std::size_t i) { return static_cast<std::int8_t>(i * 37 >> 3 & 0xFF); }

    static std::string base64(const std::string& bytes) {
        constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        std::string out;
        for (std::size_t i = 0; i < bytes.size(); i += 3) {
            std::uint32_t three = 0;
            for (std::size_t k = 0; k < 3; ++k)
                three = three << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0);
            for (std::size_t k = 0; k < 4; ++k) out += i + k > bytes.size() ? '=' : digits[three >> (18 - 6 * k) & 63];
        }
        return out;
    }

    /// Members of a model that is narae's own; <|nfd|> has to be among the added tokens.
    static std::string narae_section(const std::string& weights, int cut, std::size_t expressions) {
        return R"("ignore_merges":true,"narae":{"version":1,"digits":3,"decomposed":"<|nfd|>","expressions":)" +
               std::to_string(expressions) + R"(,"boundaries":{"cut":)" + std::to_string(cut) + R"(,"weights":")" +
               base64(weights) + R"("},"attribution":"made \"here\""},)";
    }

    /// One with a narae section, two merges and an added token.
    static tokenizer_file narae() {
        tokenizer_file f;
        f.words = {"ab", "abc"};
        f.merges = R"(["a b","ab c"])";
        f.added = "[" + token(258, "<|nfd|>", "special") + "]";
        std::string weights;
        for (std::size_t i = 0; i < ::narae::token::boundary_model::slots; ++i) weights += static_cast<char>(weight(i));
        f.model += narae_section(weights, -12, 1);
        return f;
    }

    std::string text() const {
        std::string vocab;
        for (int b = first_byte; b < 256; ++b)
            vocab += narae::text::json_quote(key(std::string(1, static_cast<char>(b)))) + ":" + std::to_string(b) + ",";
        int id = 256;
        for (const auto& w : words) vocab += narae::text::json_quote(w) + ":" + std::to_string(id++) + ",";
        vocab.pop_back();
        return "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":" + added +
               ",\"normalizer\":" + normalizer + ",\"pre_tokenizer\":" + pre_tokenizer +
               ",\"post_processor\":" + post_processor + ",\"decoder\":" + decoder + ",\"model\":{" + model +
               "\"vocab\":{" + vocab + "},\"merges\":" + merges + "}" + root + "}";
    }
};

#endif
