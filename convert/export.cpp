// SPDX-License-Identifier: MIT
// narae-convert export: a model becomes a Hugging Face checkpoint folder again, for other engines.
#include <filesystem>

#include "narae/toolkit.hpp"

#include "command_line.hpp"

namespace command {

namespace {

narae::error refusal(const std::filesystem::path& folder, const std::string& why) {
    return {narae::errc::io, folder.string() + ": " + why};
}

/// Makes the folder beside the wanted one, lets `fill` write into it, and renames it if all went well.
template <class Fill> narae::result<void> make_folder(const std::string& wanted, Fill&& fill) {
    namespace fs = std::filesystem;
    auto folder = fs::path(wanted);
    if (!folder.has_filename()) folder = folder.parent_path();  // "out/" is "out"
    const auto beside = fs::path(folder.string() + ".part");
    std::error_code failed, ignored;
    if (fs::exists(folder, ignored) && !(fs::is_directory(folder, ignored) && fs::is_empty(folder, ignored)))
        return refusal(folder, "cannot write: is there already, and not an empty folder");
    if (!fs::create_directory(beside, failed))
        return refusal(beside, "cannot make this folder: " + (failed ? failed.message() : "is there already"));
    auto done = fill(beside.string());
    if (done) {
        fs::remove(folder, ignored);  // an empty one
        fs::rename(beside, folder, failed);
        if (failed) done = refusal(folder, "cannot rename into place: " + failed.message());
    }
    if (!done) fs::remove_all(beside, ignored);
    return done;
}

}  // namespace

int export_model(const std::vector<std::string>& words) {
    line args("narae-convert export",
              "narae-convert export MODEL -o FOLDER [--type f16|f32]\n"
              "\n"
              "Writes a model as a Hugging Face checkpoint (config.json, model.safetensors, tokenizer.json), so that\n"
              "other engines can load it. Packed weights are unpacked; heads that share keys and values become plain\n"
              "heads, each with its own copy.\n"
              "\n"
              "  -o FOLDER     the folder to make; it must not exist yet, or be empty\n"
              "  --type TYPE   f16 (if not given) or f32\n"
              "\n"
              "example:  narae-convert export polyglot.safetensors -o polyglot-hf\n",
              {{"-o", "FOLDER", true}, {"--type", "TYPE"}}, "MODEL", 1, 1);
    args.read(words);
    using narae::model::format;
    const auto type = args.choice("--type", "f16", {"f16", "f32"}) == 0 ? format::f16 : format::f32;
    const auto to = args.text("-o");

    const stopwatch clock;
    std::uint64_t bytes = 0;
    const auto done = [&] {
        progress bar("exporting");
        return make_folder(to, [&](const std::string& folder) -> narae::result<void> {
            const auto written = narae::quant::export_checkpoint(args.arguments()[0], folder, type, bar);
            if (!written) return written.error();
            bytes = *written;
            return {};
        });
    }();
    if (!done) return args.failed(done.error());
    std::printf("%s: checkpoint of type %s, %s", to.c_str(), type == format::f16 ? "f16" : "f32",
                closing(bytes, clock).c_str());
    return 0;
}

}  // namespace command
