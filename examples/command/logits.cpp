// SPDX-License-Identifier: MIT
#include <fstream>

#include "narae/toolkit.hpp"
#include "verbs.hpp"

namespace {

constexpr const char* help =
    "narae logits -m MODEL --ids FILE -o OUT.f32 [options]: the logits after every token\n"
    "\n"
    "  --ids FILE              token ids of one sequence per line, apart by blanks\n"
    "  -o OUT.f32              little-endian float32, [tokens of all lines, vocabulary]\n"
    "  --cache q8|f32          the key-value cache (default q8)\n"
    "  --threads N, --memory-limit BYTES: as in narae generate\n"
    "\n"
    "  narae logits -m model.safetensors --ids ids.txt -o logits.f32 --cache f32\n";

}  // namespace

int logits(const std::vector<std::string>& words) {
    command::line line("narae logits", help,
                       {{"-m", "MODEL", true},
                        {"--ids", "FILE", true},
                        {"-o", "OUT.f32", true},
                        {"--cache", "TYPE"},
                        {"--threads", "N"},
                        {"--memory-limit", "BYTES"}});
    line.read(words);
    const narae::session_options talk_how{.cache = cache_of(line)};
    const auto model = narae::open(line.text("-m"), open_options_of(line));
    if (!model) return line.failed(model.error());
    std::ifstream in(line.text("--ids"), std::ios::binary);
    if (!in) return line.failed({narae::errc::not_found, line.text("--ids") + ": cannot open"});
    auto out = narae::sys::file_sink::create(line.text("-o"));
    if (!out) return line.failed(out.error());

    narae::session talk(*model, talk_how);
    std::vector<narae::token_id> ids;
    std::vector<std::byte> bytes(model->shape().V * sizeof(float));
    std::size_t number = 0, tokens = 0;
    for (std::string text; std::getline(in, text);) {
        const auto place = line.text("--ids") + ": line " + std::to_string(++number);
        ids.clear();
        if (!read_ids(text, ids)) return line.failed({narae::errc::bad_value, place + ": not a list of token ids"});
        if (ids.empty()) continue;
        talk.reset();
        narae::result<void> written;
        const auto fed = talk.feed_each(ids, [&](std::size_t, std::span<const float> row) {
            for (std::size_t i = 0; i < row.size(); ++i) narae::store_le(bytes.data() + i * sizeof(float), row[i]);
            if (written) written = out->write(bytes);
            return true;
        });
        if (!fed) return line.failed(fed.error().in(place));
        if (!written) return line.failed(written.error());
        if (command::stopped != 0) return 130;
        tokens += ids.size();
    }
    const auto done = out->commit();
    if (!done) return line.failed(done.error());
    std::fprintf(stderr, "%s: logits of %zu tokens, %zu each\n", line.text("-o").c_str(), tokens, model->shape().V);
    return 0;
}
