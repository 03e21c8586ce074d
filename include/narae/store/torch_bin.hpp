// SPDX-License-Identifier: MIT
// Files of torch.save that hold a state dict: the zip format (a pickle and one entry per storage) and the older
// format (five pickles, then raw storages). Tensors are views into the file. Read unpickle.hpp and zip.hpp before.
// Formats: torch/serialization.py of PyTorch.
#ifndef NARAE_STORE_TORCH_BIN_HPP
#define NARAE_STORE_TORCH_BIN_HPP

#include <algorithm>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/base/bytes.hpp"
#include "narae/base/callback.hpp"
#include "narae/store/tensor.hpp"
#include "narae/store/unpickle.hpp"
#include "narae/store/zip.hpp"

namespace narae::inline NARAE_ABI::store {

namespace torch_detail {

/// Lays a tensor of the pickle over its storage's bytes; every element must lie inside.
inline result<tensor> lay_out(std::string name, const pickle_tensor& from, const pickle_storage& storage,
                              byte_view bytes) {
    tensor t{std::move(name), storage.type, from.shape, from.strides, {}, {}};
    const auto refuse = [&](std::string_view why) {
        return error{errc::bad_value, concat({printable(t.name), ": ", why})};
    };
    std::uint64_t elements = 0, last = from.offset, step = 0;
    // More elements than the storage has (strides of 0) would let a small file ask for endless memory.
    if (!shape_elements(t.shape, elements) || elements > storage.elements)
        return refuse("has more elements than its storage");
    if (elements == 0) return t;
    for (std::size_t i = 0; i < t.shape.size(); ++i) {
        if (!checked_mul(t.shape[i] - 1, t.strides[i], step) || step > ~last)
            return refuse("its strides leave its storage");
        last += step;
    }
    if (last >= storage.elements) return refuse("its offset and strides leave its storage");
    const auto size = dtype_size(t.type);
    t.bytes = bytes.subspan(static_cast<std::size_t>(from.offset) * size,
                            static_cast<std::size_t>(last - from.offset + 1) * size);
    return t;
}

/// What a walk through a container remembers of the item that stopped it.
struct stop {
    error why{};
    bool ok = true;

    bool operator()(error e) {
        why = std::move(e);
        return ok = false;
    }
    bool operator()(errc code, std::initializer_list<piece> what, std::uint64_t at = nowhere) {
        return (*this)(error{code, concat(what), at});
    }
};

/// The tensors of the state dict `root`; storage_bytes(storage, bytes) finds all elements of a storage.
inline result<std::vector<tensor>> state_dict(const unpickler& pickle, const pickle_value& root,
                                              callback<const pickle_storage&, result<byte_view>&> storage_bytes) {
    if (root.kind != pickle_kind::dict)
        return error{errc::unsupported, "torch file: its object is not a dict of tensors"};
    std::vector<tensor> out;
    std::set<std::string_view> names;
    stop fail;
    pickle.for_each(root, [&](const pickle_value& key, const pickle_value& item) {
        if (key.kind != pickle_kind::text || key.text.empty())
            return fail(errc::unsupported, {"torch file: a key of its dict is not a name"});
        const auto shown = printable(key.text);
        if (text::utf8_first_invalid(key.text) != key.text.size())
            return fail(errc::bad_value, {shown, ": a name that is not UTF-8"});
        if (item.kind == pickle_kind::dict)
            return fail(errc::unsupported, {shown, ": a dict inside the dict; save the state dict alone"});
        if (item.kind != pickle_kind::tensor) return fail(errc::unsupported, {shown, ": not a tensor"});
        if (!names.insert(key.text).second) return fail(errc::bad_value, {shown, ": occurs twice"});
        const auto& from = pickle.tensors()[static_cast<std::size_t>(item.number)];
        const auto& storage = pickle.storages()[static_cast<std::size_t>(from.storage)];
        result<byte_view> bytes = byte_view{};
        storage_bytes(storage, bytes);
        if (!bytes) return fail(bytes.error().in(shown));
        auto t = lay_out(std::string(key.text), from, storage, *bytes);
        if (!t) return fail(t.error());
        out.push_back(std::move(*t));
        return true;
    });
    if (!fail.ok) return std::move(fail.why);
    return out;
}

inline result<std::vector<tensor>> parse_zipped(byte_view file) {
    constexpr std::string_view pickle_name = "data.pkl";
    const auto entries = parse_zip(file);
    if (!entries) return entries.error();
    std::string_view root;
    byte_view pickled;
    int found = 0;
    for (const auto& [name, bytes] : *entries) {
        if (!name.ends_with(pickle_name)) continue;
        const auto folder = name.substr(0, name.size() - pickle_name.size());
        if (!folder.empty() && folder.find('/') != folder.size() - 1) continue;
        root = folder, pickled = bytes, ++found;
    }
    if (found != 1) return error{errc::unsupported, "zip archive without one data.pkl: not a torch file"};
    const auto entry = [&](std::string_view name) { return entries->find(concat({root, name})); };
    if (const auto order = entry("byteorder"); order != entries->end() && as_text(order->second) != "little")
        return error{errc::unsupported, concat({"torch file: byte order ", printable(as_text(order->second))})};
    if (pickled.size() > unpickler::longest)
        return error{errc::unsupported, "torch file: its pickle is larger than a state dict's can be"};

    unpickler pickle(pickled);
    const auto object = pickle.next();
    if (!object) return object.error().in("data.pkl");
    return state_dict(pickle, *object, [&](const pickle_storage& s, result<byte_view>& bytes) {
        const auto data = entry(concat({"data/", s.key}));
        std::uint64_t size = 0;
        if (data == entries->end()) {
            bytes = error{errc::not_found, concat({"no storage data/", printable(s.key)})};
        } else if (!checked_mul(s.elements, dtype_size(s.type), size) || size > data->second.size()) {
            bytes =
                error{errc::truncated, concat({"storage data/", printable(s.key), " is smaller than the pickle says"})};
        } else {
            bytes = data->second.first(static_cast<std::size_t>(size));
        }
        return true;
    });
}

inline result<std::vector<tensor>> parse_legacy(byte_view file) {
    constexpr std::string_view magic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    constexpr std::uint64_t version = 1001;
    unpickler pickle(file);
    const auto first = pickle.next();
    if (!first) return first.error();
    if (first->kind != pickle_kind::other || first->text != magic)
        return error{errc::unsupported, "a pickle, but not a torch file", 0};
    const auto second = pickle.next();
    if (!second) return second.error();
    if (second->kind != pickle_kind::whole || second->number != version)
        return error{errc::unsupported, "torch file: unknown protocol version"};
    const auto about = pickle.next();
    if (!about) return about.error();
    bool little = false;
    if (about->kind == pickle_kind::dict)
        pickle.for_each(*about, [&](const pickle_value& key, const pickle_value& item) {
            if (key.text == "little_endian") little = item.kind == pickle_kind::boolean && item.number == 1;
            return true;
        });
    if (!little) return error{errc::unsupported, "torch file: not written as little-endian"};
    const auto object = pickle.next();
    if (!object) return object.error();
    const auto keys = pickle.next();
    if (!keys) return keys.error();
    if (keys->kind != pickle_kind::list) return error{errc::bad_value, "torch file: no list of storages"};

    struct stored {
        const pickle_storage* storage;
        byte_view bytes;
    };
    std::map<std::string_view, stored> stores;
    for (const auto& s : pickle.storages()) {
        const auto& same = *stores.emplace(s.key, stored{&s, {}}).first->second.storage;
        if (same.type != s.type || same.elements != s.elements)
            return error{errc::bad_value, concat({"storage ", printable(s.key), ": has two types or sizes"})};
    }
    cursor in(file, pickle.at());
    stop fail;
    std::set<std::string_view> read;
    pickle.for_each(*keys, [&](const pickle_value&, const pickle_value& key) {
        const auto at = in.at();
        const auto s = stores.find(key.text);
        if (key.kind != pickle_kind::text || s == stores.end() || !read.insert(key.text).second)
            return fail(errc::bad_value, {"torch file: the list of storages does not match the dict"}, at);
        const auto place = concat({"storage ", printable(key.text)});
        const auto elements = in.read<std::uint64_t>("its length");
        if (!elements) return fail(elements.error().in(place));
        std::uint64_t size = 0;
        if (*elements != s->second.storage->elements ||
            !checked_mul(*elements, dtype_size(s->second.storage->type), size))
            return fail(errc::bad_value, {place, ": its length is not what the pickle says"}, at);
        const auto bytes = in.take(size, "its data");
        if (!bytes) return fail(bytes.error().in(place));
        s->second.bytes = *bytes;
        return true;
    });
    if (!fail.ok) return std::move(fail.why);
    return state_dict(pickle, *object, [&](const pickle_storage& s, result<byte_view>& bytes) {
        if (read.contains(s.key)) {
            bytes = stores.find(s.key)->second.bytes;
        } else {
            bytes = error{errc::not_found, concat({"no storage ", printable(s.key)})};
        }
        return true;
    });
}

}  // namespace torch_detail

/// Reads a whole file of torch.save; the tensors are views into `file`, which must outlive them. They may start at
/// any byte, overlap, or be strided. Anything but a flat dict of tensors is refused.
inline result<std::vector<tensor>> parse_torch_bin(byte_view file) {
    const auto begins = as_text(file.first((std::min)(file.size(), std::size_t{4})));
    if (begins.starts_with("PK")) return torch_detail::parse_zipped(file);
    if (begins.starts_with("\x80")) return torch_detail::parse_legacy(file);
    if (begins.empty()) return error{errc::truncated, "empty file"};
    return error{errc::unsupported, "neither a zip archive nor a pickle: not a torch file", 0};
}

}  // namespace narae::inline NARAE_ABI::store

#endif
