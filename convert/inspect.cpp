// SPDX-License-Identifier: MIT
// narae-convert inspect: what a model file or checkpoint holds, and how it came to be.
#include "narae/toolkit.hpp"

#include "command_line.hpp"

namespace command {

namespace {

namespace store = narae::store;
namespace model = narae::model;
using narae::text::json_quote;

/// How many weights of one kind there are, and what they take.
struct tally {
    const char* kind;
    std::uint64_t weights = 0, bytes = 0;

    double bits() const noexcept {
        return weights == 0 ? 0 : 8 * static_cast<double>(bytes) / static_cast<double>(weights);
    }
    void add(std::uint64_t more_weights, std::uint64_t more_bytes) noexcept {
        weights += more_weights;
        bytes += more_bytes;
    }
};

struct row {
    std::string name, format, shape;  // shape: of the matrix, not of its packed form
    std::uint64_t bytes;
};

struct findings {
    tally all{"all"}, kinds[5] = {{"embedding"}, {"attention"}, {"ffn"}, {"head"}, {"norms and biases"}};
    std::vector<row> rows;
};

narae::result<findings> look(const store::checkpoint& from, const model::shape& s) {
    findings f;
    const auto add = [&](const std::string& name, std::string_view format, std::string shape, std::size_t kind,
                         std::uint64_t weights, std::uint64_t bytes) {
        f.rows.push_back({name, std::string(format), std::move(shape), bytes});
        f.all.add(weights, bytes);
        f.kinds[kind].add(weights, bytes);
    };
    for (const auto& m : model::matrix_names(s)) {
        const auto found = model::find_matrix(from, m);
        if (!found) return found.error();
        const std::size_t kind = m.name.find(".attention.") != m.name.npos ? 1
                                 : m.name.find(".mlp.") != m.name.npos     ? 2
                                 : m.name.starts_with("embed_out")         ? 3
                                                                           : 0;
        add(m.name, model::format_name(found->view.type), std::to_string(m.N) + ", " + std::to_string(m.K), kind,
            std::uint64_t{m.N} * m.K, model::matrix_bytes(found->view.type, m.N, m.K));
    }
    for (const auto& [name, length] : model::vector_names(s)) {
        const auto found = model::find_floats(from, name, {length});
        if (!found) return found.error();
        const auto type = (*found)->type;
        add(name,
            type == store::dtype::f32   ? "f32"
            : type == store::dtype::f16 ? "f16"
                                        : "bf16",
            std::to_string(length), 4, length, length * store::dtype_size(type));
    }
    return f;
}

unsigned long long wide(std::uint64_t n) { return n; }  // what printf's %llu takes

std::string number(double x) {
    char text[40];
    std::snprintf(text, sizeof text, "%.4f", x);
    return text;
}

void print_json(const store::checkpoint& from, const findings& f) {
    const auto raw = [](std::string_view json) {
        return narae::text::json::parse(json) ? std::string(json) : std::string("[]");
    };
    std::string s = "{\"narae\":" + std::string(from.is_narae() ? "true" : "false");
    s += ",\"config\":" + std::string(from.config_text());
    s += ",\"weights\":" + std::to_string(f.all.weights) + ",\"bytes\":" + std::to_string(f.all.bytes) +
         ",\"bits_per_weight\":" + number(f.all.bits()) + ",\"kinds\":{";
    for (const auto& k : f.kinds)
        s += (&k == f.kinds ? "" : ",") + json_quote(k.kind) + ":{\"weights\":" + std::to_string(k.weights) +
             ",\"bytes\":" + std::to_string(k.bytes) + ",\"bits_per_weight\":" + number(k.bits()) + "}";
    s += "},\"tokenizer_bytes\":" + std::to_string(from.tokenizer_json().size());
    if (const auto t = narae::token::tokenizer::parse(from.tokenizer_json()))
        s += ",\"tokenizer_tokens\":" + std::to_string(t->count());
    s += ",\"files\":[";
    for (const auto& file : from.sources())
        s += (&file == &from.sources().front() ? "" : ",") + std::string("{\"name\":") + json_quote(file.name) +
             ",\"size\":" + std::to_string(file.bytes.size()) + "}";
    s += "],\"history\":" + raw(from.metadata(store::narae_history_key)) +
         ",\"source\":" + raw(from.metadata(store::narae_source_key)) + ",\"tensors\":[";
    for (const auto& r : f.rows)
        s += (&r == &f.rows.front() ? "" : ",") + std::string("{\"name\":") + json_quote(r.name) + ",\"type\":\"" +
             r.format + "\",\"shape\":[" + r.shape + "],\"bytes\":" + std::to_string(r.bytes) + "}";
    std::puts((s + "]}").c_str());
}

/// The objects of a metadata list, one on a line.
void print_list(const char* title, std::string_view json) {
    const auto doc = narae::text::json::parse(json);
    if (!doc || doc->root().size() == 0) return;
    std::printf("%s\n", title);
    doc->root().for_each([](const narae::text::json_value& entry) {
        std::printf(" ");
        entry.for_each_member([](const narae::text::json_value& key, const narae::text::json_value& value) {
            std::printf(" %s %s", store::printable(key.string()).c_str(), store::printable(value.raw()).c_str());
            return true;
        });
        std::printf("\n");
        return true;
    });
}

void print_text(const store::checkpoint& from, const store::config& c, const findings& f) {
    std::printf("%s\n", from.is_narae() ? "narae model" : "original checkpoint");
    for (const auto& file : from.sources())
        std::printf("  file            %s, %s\n", store::printable(file.name).c_str(),
                    size_text(file.bytes.size()).c_str());
    std::printf("  layers          %u\n", c.layers);
    std::printf("  width           %u, ffn %u\n", c.width, c.ffn);
    std::printf("  heads           %u of %u, sharing %u keys and values, %u dimensions rotated (base %g)\n", c.heads,
                c.head_width, c.kv_heads, c.rotary, c.rotary_base);
    std::printf("  vocabulary      %u%s\n", c.vocab, c.tied ? ", the head is the embedding" : "");
    std::printf("  positions       %u\n", c.positions);
    std::printf("  residual        %s, norm epsilon %g\n", c.parallel_residual ? "parallel" : "serial", c.norm_eps);
    if (const auto bytes = from.tokenizer_json(); bytes.empty())
        std::printf("  tokenizer       none\n");
    else if (const auto t = narae::token::tokenizer::parse(bytes))
        std::printf("  tokenizer       %zu tokens, %s\n", t->count(), size_text(bytes.size()).c_str());
    else
        std::printf("  tokenizer       %s, not usable: %s\n", size_text(bytes.size()).c_str(),
                    t.error().message().c_str());
    std::printf("weights\n");
    const auto show = [](const tally& t) {
        if (t.weights != 0)
            std::printf("  %-16s%14llu  %10s  %7.4f bits each\n", t.kind, wide(t.weights), size_text(t.bytes).c_str(),
                        t.bits());
    };
    show(f.all);
    for (const auto& k : f.kinds) show(k);
    print_list("source", from.metadata(store::narae_source_key));
    print_list("history", from.metadata(store::narae_history_key));
    std::printf("tensors\n");
    for (const auto& r : f.rows)
        std::printf("  %-58s %-4s [%s] %llu bytes\n", r.name.c_str(), r.format.c_str(), r.shape.c_str(), wide(r.bytes));
}

}  // namespace

int inspect(const std::vector<std::string>& words) {
    line args("narae-convert inspect",
              "narae-convert inspect MODEL [--json]\n"
              "\n"
              "Prints what a narae model file (or an original checkpoint folder) holds: config, tokenizer, tensors,\n"
              "bits per weight, the files it was made from and every step that was done to it.\n"
              "\n"
              "  --json        the same for programs, as one JSON object\n"
              "\n"
              "example:  narae-convert inspect polyglot.safetensors\n",
              {{"--json"}}, "MODEL", 1, 1);
    args.read(words);
    const auto from = store::checkpoint::open(args.arguments()[0]);
    if (!from) return args.failed(from.error());
    const auto config = store::parse_config(from->config_text());
    if (!config) return args.failed(config.error().in(from->config_name()));
    const auto found = look(*from, model::shape(*config));
    if (!found) return args.failed(found.error());
    if (args.has("--json"))
        print_json(*from, *found);
    else
        print_text(*from, *config, *found);
    return 0;
}

}  // namespace command
