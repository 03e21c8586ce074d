// SPDX-License-Identifier: MIT
// How fast a model runs here: prompt and generation rates, what a token reads, and what memory could give.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <numeric>

#include "narae/toolkit.hpp"
#include "verbs.hpp"

namespace {

constexpr const char* help =
    "narae bench -m MODEL | --shape NAME [--type TYPE] [options]: how fast a model runs here\n"
    "\n"
    "  --shape NAME      random weights: polyglot-ko-1.3b, polyglot-ko-3.8b, polyglot-ko-5.8b, neox-410m, slim\n"
    "  --type TYPE       of those: q4, q8, f16 or f32 (default q4)\n"
    "  -p N              tokens of the prompt (default 512)\n"
    "  -n N              tokens to generate (default 128)\n"
    "  --depth D         tokens already there when generation starts (default 0)\n"
    "  -r R              repetitions; the median is reported (default 5)\n"
    "  --cache q8|f32    the key-value cache (default q8)\n"
    "  --threads N, --memory-limit BYTES: as in narae generate\n"
    "  --json            for programs\n"
    "\n"
    "  narae bench --shape slim --type q4 -p 128 -n 64\n";

using clock_type = std::chrono::steady_clock;

double seconds_since(clock_type::time_point start) {
    return std::chrono::duration<double>(clock_type::now() - start).count();
}

struct spread {
    double least, median, most;
};
spread spread_of(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return {v.front(), v.size() % 2 != 0 ? v[v.size() / 2] : (v[v.size() / 2 - 1] + v[v.size() / 2]) / 2, v.back()};
}

/// Where the matrices that every token reads lie in memory.
std::vector<narae::byte_view> weights_of(const narae::language_model& m) {
    const auto& w = m.weights();
    std::vector<narae::byte_view> all;
    const auto add = [&](const narae::model::matrix& x) {
        all.emplace_back(x.data, narae::model::matrix_bytes(x.type, x.N, x.K));
    };
    for (const auto& l : w.layers) add(l.qkv.w), add(l.attention_out.w), add(l.ffn_up.w), add(l.ffn_down.w);
    add(w.head);
    return all;
}

#if defined(__GNUC__)  // registers of the plainest instruction set, and a way to ask for what comes later
using word = std::uint64_t __attribute__((vector_size(16)));
void fetch(const std::byte* p) { __builtin_prefetch(p); }
#else
using word = std::uint64_t;  // half of each line, which brings all of it
void fetch(const std::byte*) {}
#endif
word word_at(const std::byte* p) {
    word w;
    std::memcpy(&w, p, sizeof w);
    return w;
}

/// Bytes a second at which all threads together read these bytes and do nothing else: the same pages as a token reads,
/// every cache line once, fetched ahead as kernels do.
double read_bandwidth(narae::sys::team& team, const std::vector<narae::byte_view>& parts_of_memory) {
    std::vector<std::uint64_t> sums(team.size() * 8);
    std::size_t bytes = 0;
    const auto start = clock_type::now();
    for (const auto memory : parts_of_memory) {
        bytes += memory.size();
        team.run([&](std::size_t part, std::size_t parts) {
            const auto mine = narae::sys::slice_of(memory.size() / 64, 1, part, parts);
            word sum0{}, sum1{}, sum2{}, sum3{};
            for (auto line = mine.begin; line < mine.end; ++line) {
                const std::byte* p = memory.data() + line * 64;
                fetch(memory.data() + (std::min)(line + 128, mine.end - 1) * 64);
                sum0 += word_at(p), sum1 += word_at(p + 16), sum2 += word_at(p + 32), sum3 += word_at(p + 48);
            }
            sum0 += sum1 + sum2 + sum3;
            std::memcpy(&sums[part * 8], &sum0, sizeof sum0);
        });
    }
    const double seconds = seconds_since(start);
    const volatile auto used = std::accumulate(sums.begin(), sums.end(), std::uint64_t{0});  // so that none is left out
    return static_cast<double>(bytes) / (seconds + 0 * static_cast<double>(used));
}

/// What one token at this depth reads: every matrix once (of an untied embedding one row), and the cache so far.
double bytes_per_token(const narae::language_model& m, narae::cache_type cache, double depth, double window) {
    const auto& s = m.shape();
    double bytes = static_cast<double>(m.weights().bytes);
    if (!s.tied) bytes -= static_cast<double>(narae::model::matrix_bytes(m.weights().embedding.type, s.V, s.D));
    const auto vectors = 2.0 * static_cast<double>(s.L * s.G) * (std::min)(depth, window);
    return bytes + vectors * static_cast<double>(s.E) * (cache == narae::cache_type::q8 ? 1.0 : 4.0);
}

}  // namespace

int bench(const std::vector<std::string>& words) {
    command::line line("narae bench", help,
                       {{"-m", "MODEL"},
                        {"--shape", "NAME"},
                        {"--type", "TYPE"},
                        {"-p", "N"},
                        {"-n", "N"},
                        {"--depth", "D"},
                        {"-r", "R"},
                        {"--cache", "TYPE"},
                        {"--threads", "N"},
                        {"--memory-limit", "BYTES"},
                        {"--json"}});
    line.read(words);
    if (line.has("-m") == line.has("--shape")) line.wrong("needs one of -m MODEL and --shape NAME");
    if (line.has("-m") && line.has("--type")) line.wrong("--type goes with --shape");
    constexpr narae::model::format types[] = {narae::model::format::q4, narae::model::format::q8,
                                              narae::model::format::f16, narae::model::format::f32};
    const auto type = types[line.choice("--type", "q4", {"q4", "q8", "f16", "f32"})];
    const auto p = static_cast<std::size_t>(line.number("-p", 512, 1, 1 << 20));
    const auto n = static_cast<std::size_t>(line.number("-n", 128, 1, 1 << 20));
    const auto depth = static_cast<std::size_t>(line.number("--depth", 0, 0, 1 << 20));
    const auto repeats = static_cast<std::size_t>(line.number("-r", 5, 1, 1000));
    const auto cache = cache_of(line);

    // Random weights go through a temporary file, so that they are mapped as a user's are.
    std::string path = line.text("-m");
    struct temporary {
        std::string path;
        ~temporary() {
            if (!path.empty()) std::remove(path.c_str());
        }
    } made;
    if (path.empty()) {
        const auto* config = narae::quant::find_shape(line.text("--shape"));
        if (config == nullptr) line.wrong("--shape is '" + line.text("--shape") + "', not one of those that -h lists");
        double bytes = 0;
        for (const auto& m : narae::model::matrix_names(narae::model::shape(*config)))
            bytes += static_cast<double>(narae::model::matrix_bytes(type, m.N, m.K));
        if (const auto has = command::physical_memory(); has != 0 && bytes > static_cast<double>(has))
            return line.failed({narae::errc::out_of_memory,
                                line.text("--shape") + " has " + command::size_text(static_cast<std::uint64_t>(bytes)) +
                                    " of weights, this machine " + command::size_text(has) + " of memory"});
        path = made.path = "narae-bench-" + line.text("--shape") + ".safetensors";
        command::progress making("making random weights");
        const auto written = narae::quant::synthesize(*config, type, path, 1, making);
        if (!written) return line.failed(written.error());
    }

    const auto opened = clock_type::now();
    const auto model = narae::open(path, open_options_of(line));
    if (!model) return line.failed(model.error());
    narae::session talk(*model, {.cache = cache});
    if (depth > talk.window())
        return line.failed({narae::errc::bad_argument, "--depth " + std::to_string(depth) +
                                                           " is beyond the window of " + std::to_string(talk.window()) +
                                                           " positions"});
    auto team = narae::sys::team::make(open_options_of(line).threads);
    if (!team) return line.failed(team.error());
    const auto memory = weights_of(*model);
    std::vector<narae::token_id> ids((std::max)({p, depth, std::size_t{8}}));
    for (std::size_t i = 0; i < ids.size(); ++i)
        ids[i] = static_cast<narae::token_id>((i * 7919 + 13) % model->shape().V);
    const auto first = talk.feed(std::span(ids).first(8));
    if (!first) return line.failed(first.error());
    const double first_token = seconds_since(opened);

    command::progress progress("measuring");
    std::vector<double> prompt, generation, bandwidths;
    for (std::size_t r = 0; r < repeats; ++r) {
        talk.reset();
        auto start = clock_type::now();
        if (const auto fed = talk.feed(std::span(ids).first(p)); !fed) return line.failed(fed.error());
        prompt.push_back(static_cast<double>(p) / seconds_since(start));
        talk.reset();
        if (depth != 0)
            if (const auto fed = talk.feed(std::span(ids).first(depth)); !fed) return line.failed(fed.error());
        start = clock_type::now();
        narae::token_id id = ids[0];
        for (std::size_t i = 0; i < n; ++i) {
            const auto logits = talk.feed({&id, 1});
            if (!logits) return line.failed(logits.error());
            id = static_cast<narae::token_id>(std::max_element(logits->begin(), logits->end()) - logits->begin());
            if (command::stopped != 0) return 130;
        }
        generation.push_back(static_cast<double>(n) / seconds_since(start));
        bandwidths.push_back(read_bandwidth(**team, memory) / 1e9);
        progress(r + 1, repeats);
    }
    const auto peak = command::peak_rss();
    const double bandwidth = spread_of(bandwidths).median;
    const auto in = spread_of(prompt), out = spread_of(generation);
    const double reads = bytes_per_token(*model, cache, static_cast<double>(depth) + static_cast<double>(n) / 2,
                                         static_cast<double>(talk.window()));
    const double rate = out.median * reads / 1e9;

    if (line.has("--json")) {
        std::printf(
            "{\"prompt_tok_s\":%.2f,\"gen_tok_s\":%.2f,\"bytes_per_token\":%.0f,\"gen_gb_s\":%.3f,\"bandwidth_gb_s\":%."
            "3f,"
            "\"first_token_ms\":%.2f,\"peak_rss_bytes\":%llu}\n",
            in.median, out.median, reads, rate, bandwidth, first_token * 1e3, static_cast<unsigned long long>(peak));
        return 0;
    }
    std::printf("prompt      %9.1f tokens per second (%.1f to %.1f), %zu tokens\n", in.median, in.least, in.most, p);
    std::printf("generation  %9.1f tokens per second (%.1f to %.1f), %zu tokens at depth %zu\n", out.median, out.least,
                out.most, n, depth);
    std::printf("a token reads %s: %.1f GB/s, %.0f %% of the %.1f GB/s at which the same memory is read by turns\n",
                command::size_text(static_cast<std::uint64_t>(reads)).c_str(), rate,
                bandwidth > 0 ? 100 * rate / bandwidth : 0.0, bandwidth);
    std::printf("first token after %.1f ms (prompt of 8); peak memory %s; kernels: %s; threads: %zu; median of %zu\n",
                first_token * 1e3, command::size_text(peak).c_str(), model->options().kernels->name, (*team)->size(),
                repeats);
    return 0;
}
