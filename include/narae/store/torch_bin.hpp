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
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/base/bytes.hpp"
#include "narae/store/tensor.hpp"
#include "narae/store/unpickle.hpp"
#include "narae/store/zip.hpp"

namespace narae::inline NARAE_ABI::store {

namespace torch_detail {

/// Lays a tensor of the pickle over its storage's bytes; every element must lie inside.
inline result<tensor> lay_out(std::string name, const unpickler& pickle, std::span<const pickle_value> from,
                              const pickle_storage& storage, byte_view bytes) {
    tensor t{std::move(name), storage.type, {}, {}, {}, {}};
    for (const auto& n : pickle.items(from[2])) t.shape.push_back(n.number);
    for (const auto& n : pickle.items(from[3])) t.strides.push_back(n.number);
    const auto refuse = [&](std::string_view why) { return error{errc::bad_value, {printable(t.name), ": ", why}}; };
    const auto offset = from[1].number;
    std::uint64_t elements = 0, last = offset, step = 0;
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
    t.bytes =
        bytes.subspan(static_cast<std::size_t>(offset) * size, static_cast<std::size_t>(last - offset + 1) * size);
    return t;
}

/// The tensors of the state dict `root`. The bytes of the storage with key k are stored under `place` + k.
inline result<std::vector<tensor>> state_dict(const unpickler& pickle, const pickle_value& root,
                                              const zip_entries& stored, std::string_view place) {
    if (root.kind != pickle_kind::dict)
        return error{errc::unsupported, "torch file: its object is not a dict of tensors"};
    std::vector<tensor> out;
    std::set<std::string_view> names;
    for (const auto& [container, key, item] : pickle.members(root)) {
        const auto refuse = [name = key.text](errc code, std::initializer_list<piece> why) {
            return error{code, {printable(name), ": ", concat(why)}};
        };
        if (key.kind != pickle_kind::text || key.text.empty())
            return error{errc::unsupported, "torch file: a key of its dict is not a name"};
        if (text::utf8_first_invalid(key.text) != key.text.size())
            return refuse(errc::bad_value, {"a name that is not UTF-8"});
        if (item.kind == pickle_kind::dict)
            return refuse(errc::unsupported, {"a dict inside the dict; save the state dict alone"});
        if (item.kind != pickle_kind::tensor) return refuse(errc::unsupported, {"not a tensor"});
        if (!names.insert(key.text).second) return refuse(errc::bad_value, {"occurs twice"});
        const auto from = pickle.items(item);
        const auto& storage = pickle.storages()[static_cast<std::size_t>(from[0].number)];
        const auto where = concat({place, storage.key});
        const auto data = stored.find(where);
        std::uint64_t size = 0;
        if (data == stored.end()) return refuse(errc::not_found, {"no storage ", printable(where)});
        if (!checked_mul(storage.elements, dtype_size(storage.type), size) || size > data->second.size())
            return refuse(errc::truncated, {"storage ", printable(where), " is smaller than the pickle says"});
        auto t = lay_out(std::string(key.text), pickle, from, storage, data->second);
        if (!t) return t.error();
        out.push_back(std::move(*t));
    }
    return out;
}

inline result<std::vector<tensor>> parse_zipped(byte_view file) {
    constexpr std::string_view pickle_name = "data.pkl";
    const auto entries = parse_zip(file);
    if (!entries) return entries.error();
    auto pickled = entries->end();
    int found = 0;
    for (auto e = entries->begin(); e != entries->end(); ++e) {
        const auto name = e->first;
        if ((name == pickle_name || name.ends_with("/data.pkl")) && name.find('/') == name.rfind('/'))
            pickled = e, ++found;
    }
    if (found != 1) return error{errc::unsupported, "zip archive without one data.pkl: not a torch file"};
    const auto root = pickled->first.substr(0, pickled->first.size() - pickle_name.size());
    if (const auto order = entries->find(concat({root, "byteorder"}));
        order != entries->end() && as_text(order->second) != "little")
        return error{errc::unsupported, {"torch file: byte order ", printable(as_text(order->second))}};
    if (pickled->second.size() > unpickler::longest)
        return error{errc::unsupported, "torch file: its pickle is larger than a state dict's can be"};

    unpickler pickle(pickled->second);
    const auto object = pickle.next();
    if (!object) return object.error().in("data.pkl");
    return state_dict(pickle, *object, *entries, concat({root, "data/"}));
}

inline result<std::vector<tensor>> parse_legacy(byte_view file) {
    constexpr std::string_view magic_number = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    constexpr std::uint64_t protocol_version = 1001;
    enum { magic, version, about, dict, keys, pickles };
    unpickler pickle(file);
    pickle_value object[pickles];
    error failed;
    bool whole = true;
    for (auto& o : object) whole = whole && pickle.next().into(o, failed);
    if (object[magic].text != magic_number) return error{errc::unsupported, "a pickle, but not a torch file", 0};
    if (object[version].number != protocol_version)
        return error{errc::unsupported, "torch file: unknown protocol version"};
    bool little = false;
    if (object[about].kind == pickle_kind::dict)
        for (const auto& m : pickle.members(object[about]))
            if (m.key.text == "little_endian") little = m.item.kind == pickle_kind::boolean && m.item.number != 0;
    if (!little) return error{errc::unsupported, "torch file: not written as little-endian"};
    if (!whole) return failed;
    if (object[keys].kind != pickle_kind::list) return error{errc::bad_value, "torch file: no list of storages"};

    std::map<std::string_view, const pickle_storage*> promised;
    for (const auto& s : pickle.storages()) {
        const auto& same = *promised.emplace(s.key, &s).first->second;
        if (same.type != s.type || same.elements != s.elements)
            return error{errc::bad_value, {"storage ", printable(s.key), ": has two types or sizes"}};
    }
    zip_entries stored;
    cursor in(file, pickle.at());
    for (const auto& m : pickle.members(object[keys])) {
        const auto at = in.at();
        const auto key = m.item.text;
        const auto s = promised.find(key);
        if (m.item.kind != pickle_kind::text || s == promised.end() || stored.contains(key))
            return error{errc::bad_value, "torch file: the list of storages does not match the dict", at};
        const auto place = concat({"storage ", printable(key)});
        const auto elements = in.read<std::uint64_t>("its length");
        std::uint64_t size = 0;
        if (in && (elements != s->second->elements || !checked_mul(elements, dtype_size(s->second->type), size)))
            return error{errc::bad_value, {place, ": its length is not what the pickle says"}, at};
        stored.emplace(key, in.take(size, "its data"));
        if (!in) return in.error().in(place);
    }
    return state_dict(pickle, object[dict], stored, "");
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
