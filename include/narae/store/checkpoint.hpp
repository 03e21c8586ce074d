// SPDX-License-Identifier: MIT
// A checkpoint, opened: its config, its tokenizer and its tensors by name, whichever way it is stored: a Hugging Face
// folder (safetensors or torch files, in one piece or in shards) or a narae file. Files are mapped, no weight is read.
// Read safetensors.hpp, torch_bin.hpp and format.hpp before.
#ifndef NARAE_STORE_CHECKPOINT_HPP
#define NARAE_STORE_CHECKPOINT_HPP

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/base/bytes.hpp"
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
        return guarded([&]() -> result<checkpoint> {
            checkpoint c;
            const auto added = c.add_file("memory", "memory", file);
            if (!added) return added.error();
            return finish(std::move(c), "memory", true);
        });
    }

#ifndef NARAE_NO_FILES
    /// Opens a Hugging Face folder, a narae file, or the *.index.json of a model in shards.
    static result<checkpoint> open(const std::string& path) {
        return guarded([&]() -> result<checkpoint> {
            checkpoint c;
            if (sys::is_folder(path)) return open_folder(std::move(c), path);
            if (path.ends_with(".index.json")) {
                const auto cut = path.find_last_of("/\\");
                const auto folder = cut == path.npos ? std::string(".") : path.substr(0, cut);
                auto index = sys::file_view::open(path);
                if (!index) return index.error();
                const auto added = c.add_shards(folder, path, *index);
                if (!added) return added.error();
                if (c.is_narae()) return finish(std::move(c), path, true);
                const auto read = c.read_side_files(folder);
                if (!read) return read.error();
                return finish(std::move(c), path, false);
            }
            const auto cut = path.find_last_of("/\\");
            const auto added = c.add_path(path, cut == path.npos ? path : path.substr(cut + 1));
            if (!added) return added.error();
            return finish(std::move(c), path, true);
        });
    }
#endif

    /// All tensors, file after file, each file's in the order of their bytes; of torch files, in the dict's order.
    const std::vector<tensor>& tensors() const noexcept { return tensors_; }

    /// The tensor of this name, or nullptr.
    const tensor* find(std::string_view name) const noexcept {
        const auto at = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                                         [&](std::size_t i, std::string_view n) { return tensors_[i].name < n; });
        return at == by_name_.end() || tensors_[*at].name != name ? nullptr : &tensors_[*at];
    }

    /// What was opened, for messages.
    const std::string& path() const noexcept { return path_; }

    /// The text of config.json, and what to call it in messages.
    std::string_view config_text() const noexcept { return config_; }
    const std::string& config_name() const noexcept { return config_name_; }

    /// The bytes of tokenizer.json; empty if there is none.
    byte_view tokenizer_json() const noexcept {
        const auto* packed = find(narae_tokenizer);
        if (packed != nullptr) return packed->bytes;
#ifndef NARAE_NO_FILES
        return tokenizer_.bytes();
#else
        return {};
#endif
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

    /// Says that the pages of these bytes (of a tensor or a source file) are done with for now; reading them again
    /// brings them back.
    void let_go([[maybe_unused]] byte_view part) const noexcept {
#ifndef NARAE_NO_FILES
        for (const auto& f : files_) {
            const auto whole = f.bytes();
            if (!whole.empty() && part.data() >= whole.data() && part.data() < whole.data() + whole.size())
                return f.let_go(part);
        }
#endif
    }
    void let_go(const tensor& t) const noexcept { let_go(t.bytes); }

private:
    checkpoint() = default;

    static constexpr std::string_view safetensors_suffix = ".safetensors";

    result<void> add_file(const std::string& path, std::string name, byte_view bytes) {
        std::vector<tensor> read;
        if (name.ends_with(".bin") || name.ends_with(".pt")) {
            auto parsed = parse_torch_bin(bytes);
            if (!parsed) return parsed.error().in(path);
            read = std::move(*parsed);
        } else {
            auto parsed = parse_safetensors(bytes);
            if (!parsed) return parsed.error().in(path);
            read = std::move(parsed->tensors);
            metadata_.insert(metadata_.end(), parsed->metadata.begin(), parsed->metadata.end());
        }
        for (auto& t : read) {
            t.file = path;
            tensors_.push_back(std::move(t));
        }
        sources_.push_back({std::move(name), bytes});
        return {};
    }

    /// Sorts the names, and checks what is true of every checkpoint.
    static result<checkpoint> finish(checkpoint c, const std::string& path, bool must_be_narae) {
        c.path_ = path;
        if (must_be_narae && !c.is_narae())
            return error{errc::unsupported, path + ": not a narae file; of an original checkpoint, open the folder"};
        if (c.is_narae()) {
            if (const auto v = c.metadata(narae_version_key); v != narae_version)
                return error{errc::unsupported, path + ": a narae file of version " + printable(v) +
                                                    ", this is for version " + std::string(narae_version)};
            c.config_ = c.metadata(narae_config_key);
            c.config_name_ = path + ": " + std::string(narae_config_key);
        }
        if (c.config_.empty()) return error{errc::bad_value, c.config_name_ + ": empty"};
        c.by_name_.resize(c.tensors_.size());
        for (std::size_t i = 0; i < c.by_name_.size(); ++i) c.by_name_[i] = i;
        const auto name = [&](std::size_t i) -> const std::string& { return c.tensors_[i].name; };
        std::sort(c.by_name_.begin(), c.by_name_.end(),
                  [&](std::size_t a, std::size_t b) { return name(a) < name(b); });
        for (std::size_t i = 1; i < c.by_name_.size(); ++i) {
            const auto a = c.by_name_[i - 1], b = c.by_name_[i];
            if (name(a) == name(b))
                return error{errc::bad_value, c.tensors_[(std::max)(a, b)].file + ": " + printable(name(a)) +
                                                  ": also in " + c.tensors_[(std::min)(a, b)].file};
        }
        if (c.tensors_.empty()) return error{errc::bad_value, path + ": holds no tensors"};
        for (const auto& [tensor_name, where] : c.promised_) {
            const auto* t = c.find(tensor_name);
            if (t == nullptr || t->file != where)
                return error{errc::not_found, where + ": " + printable(tensor_name) + ": not in this file, where " +
                                                  path + " says it is"};
        }
        c.promised_.clear();
        return c;
    }

#ifndef NARAE_NO_FILES
    result<void> add_path(const std::string& path, std::string name) {
        auto file = sys::file_view::open(path);
        if (!file) return file.error();
        files_.push_back(std::move(*file));
        return add_file(path, std::move(name), files_.back().bytes());
    }

    /// The shards that an index names, each once. Their names may not lead out of the folder.
    result<void> add_shards(const std::string& folder, const std::string& index_path, const sys::file_view& index) {
        const auto doc = text::json::parse(as_text(index.bytes()));
        if (!doc) return doc.error().in(index_path);
        const auto map = doc->root()["weight_map"];
        if (!map.is(text::json_kind::object) || map.size() == 0)
            return error{errc::bad_value, index_path + ": no weight_map"};
        std::map<std::string, std::string> shards;  // in the order of their names, which are numbered
        error failed;
        bool ok = true;
        map.for_each_member([&](const text::json_value& key, const text::json_value& value) {
            const auto name = value.string();
            // With its suffix asked for, a name without these characters is neither "." nor "..".
            const bool plain = name.find_first_of(std::string_view("/\\:\0", 4)) == name.npos;
            if (!plain || !(name.ends_with(safetensors_suffix) || name.ends_with(".bin"))) {
                failed = {errc::bad_value, index_path + ": " + printable(key.string()) + ": '" + printable(name) +
                                               "' is not the plain name of a .safetensors or .bin file"};
                return ok = false;
            }
            const auto& path = shards.emplace(name, folder + "/" + name).first->second;
            promised_.emplace_back(key.string(), path);
            return true;
        });
        if (!ok) return failed;
        for (const auto& [name, path] : shards) {
            const auto added = add_path(path, name);
            if (!added) return added.error();
        }
        return {};
    }

    result<void> read_side_files(const std::string& folder) {
        config_name_ = folder + "/config.json";
        const auto config = sys::file_view::open(config_name_);
        if (!config && config.error().code == errc::not_found)
            return error{errc::not_found, folder + ": no config.json: not a Hugging Face checkpoint folder"};
        if (!config) return config.error();
        config_ = as_text(config->bytes());
        auto tokenizer = sys::file_view::open(folder + "/tokenizer.json");
        if (tokenizer) {
            tokenizer_ = std::move(*tokenizer);
        } else if (tokenizer.error().code != errc::not_found) {
            return tokenizer.error();
        }
        return {};
    }

    static result<checkpoint> open_folder(checkpoint c, const std::string& folder) {
        const auto read = c.read_side_files(folder);
        if (!read) return read.error();
        for (const std::string name : {"model.safetensors", "pytorch_model.bin"}) {
            const auto path = folder + "/" + name, index_path = path + ".index.json";
            auto file = sys::file_view::open(path);
            if (file) {
                c.files_.push_back(std::move(*file));
                const auto added = c.add_file(path, name, c.files_.back().bytes());
                if (!added) return added.error();
                return finish(std::move(c), path, false);
            }
            if (file.error().code != errc::not_found) return file.error();
            auto index = sys::file_view::open(index_path);
            if (index) {
                const auto added = c.add_shards(folder, index_path, *index);
                if (!added) return added.error();
                return finish(std::move(c), index_path, false);
            }
            if (index.error().code != errc::not_found) return index.error();
        }
        return error{errc::not_found, folder + ": no model.safetensors and no pytorch_model.bin, whole or in shards"};
    }

    std::vector<sys::file_view> files_;
    sys::file_view tokenizer_;
#endif

    std::vector<tensor> tensors_;
    std::vector<std::size_t> by_name_;  // indices of tensors_, sorted by name
    std::vector<source_file> sources_;
    metadata_list metadata_;
    std::string path_, config_, config_name_;
    std::vector<std::pair<std::string, std::string>> promised_;  // tensor, and the shard that an index puts it in
};

}  // namespace narae::inline NARAE_ABI::store

#endif
