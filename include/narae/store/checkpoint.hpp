// SPDX-License-Identifier: MIT
// A checkpoint, opened: its config, its tokenizer and its tensors by name, whichever way it is stored: a Hugging Face
// folder (safetensors or torch files, in one piece or in shards) or a narae file. Files are mapped, no weight is read.
// Read safetensors.hpp, torch_bin.hpp and format.hpp before.
#ifndef NARAE_STORE_CHECKPOINT_HPP
#define NARAE_STORE_CHECKPOINT_HPP

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "narae/base/bytes.hpp"
#include "narae/base/sorted.hpp"
#include "narae/store/format.hpp"
#include "narae/store/safetensors.hpp"
#include "narae/store/torch_bin.hpp"
#include "narae/sys/file_view.hpp"
#include "narae/text/json.hpp"

namespace narae::inline NARAE_ABI::store {

/// One file of weights that a checkpoint came from.
struct source_file {
    std::string name;  ///< without its folder
    byte_view bytes;   ///< all of it, mapped: reading it all touches it all
};

class checkpoint {
public:
    /// A narae file in memory; `file` must outlive the checkpoint.
    static result<checkpoint> from_bytes(byte_view file) {
        return guarded([&] {
            checkpoint c;
            return c.made(c.add_file("memory", "memory", file) && c.finish("memory", true));
        });
    }

#ifndef NARAE_NO_FILES
    /// Opens a Hugging Face folder, a narae file, or the *.index.json of a model in shards.
    static result<checkpoint> open(const std::string& path) {
        return guarded([&] {
            checkpoint c;
            if (sys::is_folder(path)) return c.made(c.open_folder(path));
            const auto cut = path.find_last_of("/\\");
            if (!path.ends_with(".index.json"))
                return c.made(c.add_path(path, path.substr(cut + 1)) && c.finish(path, true));
            const auto folder = cut == path.npos ? std::string(".") : path.substr(0, cut);
            return c.made(c.add_shards(folder, path) && (c.is_narae() || c.read_side_files(folder)) &&
                          c.finish(path, false));
        });
    }
#endif

    /// All tensors, file after file, each file's in the order of their bytes; of torch files, in the dict's order.
    const std::vector<tensor>& tensors() const noexcept { return tensors_; }

    /// The tensor of this name, or nullptr.
    const tensor* find(std::string_view name) const noexcept {
        const auto less = [&](std::size_t i, std::string_view n) { return tensors_[i].name < n; };
        const auto found = std::lower_bound(by_name_.begin(), by_name_.end(), name, less);
        return found == by_name_.end() || tensors_[*found].name != name ? nullptr : &tensors_[*found];
    }

    /// What was opened, for messages.
    const std::string& path() const noexcept { return path_; }

    /// The text of config.json, and what to call it in messages.
    std::string_view config_text() const noexcept { return config_; }
    const std::string& config_name() const noexcept { return config_name_; }

    /// What token::tokenizer::parse reads: tokenizer.json, or its packed form; empty if there is none.
    byte_view tokenizer_json() const noexcept {
        if (const auto* packed = find(narae_tokenizer)) return packed->bytes;
        return tokenizer_;
    }

    /// A value of the safetensors metadata (of the first file that has the key); empty if there is none.
    std::string_view metadata(std::string_view key) const noexcept {
        for (const auto& [k, value] : metadata_)
            if (k == key) return value;
        return {};
    }
    const metadata_list& metadata() const noexcept { return metadata_; }

    /// Made by narae-convert, and not an original checkpoint?
    bool is_narae() const noexcept { return !metadata(narae_version_key).empty(); }

    /// The files of weights, in the order they were read.
    const std::vector<source_file>& sources() const noexcept { return sources_; }

    /// Says that the pages of these bytes are done with for now; reading them again brings them back.
    void let_go([[maybe_unused]] byte_view part) const noexcept {
#ifndef NARAE_NO_FILES
        for (const auto& f : files_) f.let_go(part);
#endif
    }
    void let_go(const tensor& t) const noexcept { let_go(t.bytes); }

private:
    checkpoint() = default;

    // Every step returns true to go on; or else false, and failed_ says why.
    bool fail(error why) {
        failed_ = std::move(why);
        return false;
    }
    bool fail(errc code, std::initializer_list<piece> what) { return fail({code, what}); }

    result<checkpoint> made(bool ok) { return ok ? result<checkpoint>(std::move(*this)) : std::move(failed_); }

    result<std::vector<tensor>> tensors_of(result<safetensors> file) {
        if (!file) return file.error();
        metadata_.insert(metadata_.end(), file->metadata.begin(), file->metadata.end());
        return std::move(file->tensors);
    }

    bool add_file(const std::string& path, std::string name, byte_view bytes) {
        const bool torch = name.ends_with(".bin") || name.ends_with(".pt");
        sources_.push_back({std::move(name), bytes});
        auto read = torch ? parse_torch_bin(bytes) : tensors_of(parse_safetensors(bytes));
        if (!read) return fail(read.error().in(path));
        for (auto& t : *read) tensors_.emplace_back(std::move(t)).file = path;
        return true;
    }

    /// Lists the names, and checks what is true of every checkpoint.
    bool finish(const std::string& path, bool must_be_narae) {
        path_ = path;
        if (is_narae()) {
            if (const auto v = metadata(narae_version_key); v != narae_version)
                return fail(errc::unsupported, {path, ": a narae file of version ", printable(v),
                                                ", this is for version ", narae_version});
            config_ = metadata(narae_config_key);
            config_name_ = concat({path, ": ", narae_config_key});
        } else if (must_be_narae) {
            return fail(errc::unsupported, {path, ": not a narae file; of an original checkpoint, open the folder"});
        }
        if (config_.empty()) return fail(errc::bad_value, {config_name_, ": empty"});
        if (tensors_.empty()) return fail(errc::bad_value, {path, ": holds no tensors"});
        by_name_ = sorted(tensors_.size(), [&](std::size_t a, std::size_t b) {
            return std::tie(tensors_[a].name, a) < std::tie(tensors_[b].name, b);
        });
        for (std::size_t i = 1; i < by_name_.size(); ++i)
            if (const auto& a = tensors_[by_name_[i - 1]], &b = tensors_[by_name_[i]]; a.name == b.name)
                return fail(errc::bad_value, {b.file, ": ", printable(b.name), ": also in ", a.file});
        for (const auto& [tensor_name, where] : promised_) {
            const auto* t = find(tensor_name);
            if (t == nullptr || t->file != where)
                return fail(errc::not_found,
                            {where, ": ", printable(tensor_name), ": not in this file, where ", path, " says it is"});
        }
        promised_.clear();
        return true;
    }

#ifndef NARAE_NO_FILES
    /// Maps a file, for as long as the checkpoint lives.
    bool map_file(const std::string& path, byte_view& bytes) {
        if (!sys::file_view::open(path).into(files_.emplace_back(), failed_)) return files_.pop_back(), false;
        return bytes = files_.back().bytes(), true;
    }

    bool add_path(const std::string& path, std::string name) {
        byte_view file;
        return map_file(path, file) && add_file(path, std::move(name), file);
    }

    /// The shards that an index names, each once. Their names may not lead out of the folder.
    bool add_shards(const std::string& folder, const std::string& index_path) {
        byte_view index;
        if (!map_file(index_path, index)) return false;
        const auto doc = text::json::parse(as_text(index));
        if (!doc) return fail(doc.error().in(index_path));
        const auto map = doc->root()["weight_map"];
        if (!map.is(text::json_kind::object) || map.size() == 0)
            return fail(errc::bad_value, {index_path, ": no weight_map"});
        std::set<std::string> shards;  // in the order of their names, which are numbered
        const auto add = [&](const text::json_value& key, const text::json_value& value) {
            const auto name = value.string();
            // With its suffix asked for, a name without these characters is neither "." nor "..".
            const bool plain = name.find_first_of(std::string_view("/\\:\0", 4)) == name.npos;
            if (!plain || !(name.ends_with(".safetensors") || name.ends_with(".bin")))
                return fail(errc::bad_value, {index_path, ": ", printable(key.string()), ": '", printable(name),
                                              "' is not the plain name of a .safetensors or .bin file"});
            shards.insert(name);
            promised_.emplace_back(key.string(), concat({folder, "/", name}));
            return true;
        };
        bool ok = map.for_each_member(add);
        for (const auto& name : shards) ok = ok && add_path(concat({folder, "/", name}), name);
        return ok;
    }

    bool read_side_files(const std::string& folder) {
        config_name_ = concat({folder, "/config.json"});
        byte_view config;
        if (!map_file(config_name_, config))
            return failed_.code == errc::not_found &&
                   fail(errc::not_found, {folder, ": no config.json: not a Hugging Face checkpoint folder"});
        config_ = as_text(config);
        return map_file(concat({folder, "/tokenizer.json"}), tokenizer_) || failed_.code == errc::not_found;
    }

    bool open_folder(const std::string& folder) {
        if (!read_side_files(folder)) return false;
        for (const char* name : {"model.safetensors", "pytorch_model.bin"}) {
            const auto path = concat({folder, "/", name}), index_path = concat({path, ".index.json"});
            if (add_path(path, name)) return finish(path, false);
            if (!sources_.empty() || failed_.code != errc::not_found) return false;
            if (add_shards(folder, index_path)) return finish(index_path, false);
            if (!promised_.empty() || failed_.code != errc::not_found) return false;
        }
        return fail(errc::not_found, {folder, ": no model.safetensors and no pytorch_model.bin, whole or in shards"});
    }

    std::vector<sys::file_view> files_;
#endif

    byte_view tokenizer_;  // the file
    std::vector<tensor> tensors_;
    std::vector<std::size_t> by_name_;  // indices of tensors_
    std::vector<source_file> sources_;
    metadata_list metadata_;
    error failed_;  // while opening
    std::string path_, config_, config_name_;
    std::vector<std::pair<std::string, std::string>> promised_;  // tensor, and the shard that an index puts it in
};

}  // namespace narae::inline NARAE_ABI::store

#endif
