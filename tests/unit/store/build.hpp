// SPDX-License-Identifier: MIT
// Model files made by hand, byte by byte, so that tests can make them wrong.
#ifndef NARAE_TESTS_STORE_BUILD_HPP
#define NARAE_TESTS_STORE_BUILD_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/base/bytes.hpp"
#include "narae/num/half.hpp"
#include "narae/store/tensor.hpp"

namespace tests {

/// n as size little-endian bytes.
inline std::string le(std::uint64_t n, std::size_t size) {
    std::string s;
    for (; size > 0; --size, n >>= 8) s.push_back(static_cast<char>(static_cast<unsigned char>(n)));
    return s;
}

inline std::string floats(const std::vector<float>& values) {
    std::string s(values.size() * sizeof(float), '\0');
    for (std::size_t i = 0; i < values.size(); ++i) narae::store_le(s.data() + i * sizeof(float), values[i]);
    return s;
}

inline std::string safetensors_bytes(const std::string& json, const std::string& data) {
    return le(json.size(), 8) + json + data;
}

/// One element of a tensor as a double, found through its strides.
inline double element(const narae::store::tensor& t, const std::vector<std::uint64_t>& index) {
    using narae::store::dtype;
    std::uint64_t at = 0;
    for (std::size_t i = 0; i < index.size(); ++i) at += index[i] * t.strides[i];
    const auto size = narae::store::dtype_size(t.type);
    const auto* p = t.bytes.subspan(static_cast<std::size_t>(at) * size, size).data();
    switch (t.type) {
        case dtype::f64: return narae::load_le<double>(p);
        case dtype::f32: return static_cast<double>(narae::load_le<float>(p));
        case dtype::f16: return static_cast<double>(narae::num::f16_to_f32(narae::load_le<std::uint16_t>(p)));
        case dtype::bf16: return static_cast<double>(narae::num::bf16_to_f32(narae::load_le<std::uint16_t>(p)));
        case dtype::i64: return static_cast<double>(narae::load_le<std::int64_t>(p));
        default: return static_cast<double>(narae::load_le<std::uint8_t>(p));
    }
}

/// Touches the first and the last byte of every tensor, so that a sanitizer sees a view that leaves its file.
inline unsigned touch(const std::vector<narae::store::tensor>& tensors) {
    unsigned sum = 0;
    for (const auto& t : tensors)
        if (!t.bytes.empty()) sum += static_cast<unsigned>(t.bytes.front()) + static_cast<unsigned>(t.bytes.back());
    return sum;
}

/// Calls f with every shortened copy of the file, then with every copy that has one byte changed. Each copy has its own
/// allocation of exactly its size.
template <class F> void shorten(const std::string& file, F&& f) {
    for (std::size_t n = 0; n < file.size(); ++n) {
        const std::vector<char> copy(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n));
        f(n, narae::as_bytes({copy.data(), n}));
    }
}
template <class F> void change(const std::string& file, F&& f) {
    for (std::size_t n = 0; n < file.size(); ++n)
        for (const unsigned flip : {0x01u, 0x10u, 0x80u, 0xFFu}) {
            std::vector<char> copy(file.begin(), file.end());
            copy[n] = static_cast<char>(static_cast<unsigned char>(copy[n]) ^ flip);
            f(n, narae::as_bytes({copy.data(), copy.size()}));
        }
}

// --- zip ------------------------------------------------------------------------------------------------

struct zip_entry {
    std::string name, data;
    unsigned flags = 0x0808, method = 0;
    bool wide = false;  ///< sizes and offset in a zip64 extra field
};

/// An archive as torch writes it: the local headers leave the sizes out. `wide`: a zip64 end record.
inline std::string zip_bytes(const std::vector<zip_entry>& entries, bool wide = false,
                             const std::string& comment = {}) {
    std::string out, directory;
    for (const auto& e : entries) {
        const auto at = out.size();
        const std::string pad = "FB" + le(3, 2) + "ZZZ";
        out += "PK\3\4" + le(0, 2) + le(e.flags, 2) + le(e.method, 2) + le(0, 16) + le(e.name.size(), 2) +
               le(pad.size(), 2) + e.name + pad + e.data;
        const std::string extra = e.wide ? le(0x5555, 2) + le(1, 2) + "x" + le(1, 2) + le(24, 2) +
                                               le(e.data.size(), 8) + le(e.data.size(), 8) + le(at, 8)
                                         : "";
        const auto size = e.wide ? 0xFFFFFFFF : e.data.size();
        directory += "PK\1\2" + le(0, 4) + le(e.flags, 2) + le(e.method, 2) + le(0, 8) + le(size, 4) + le(size, 4) +
                     le(e.name.size(), 2) + le(extra.size(), 2) + le(0, 10) + le(e.wide ? 0xFFFFFFFF : at, 4) + e.name +
                     extra;
    }
    const auto begin = out.size();
    out += directory;
    if (wide) {
        const auto at = out.size();
        out += "PK\6\6" + le(44, 8) + le(0, 12) + le(entries.size(), 8) + le(entries.size(), 8) +
               le(directory.size(), 8) + le(begin, 8);
        out += "PK\6\7" + le(0, 4) + le(at, 8) + le(1, 4);
        return out + "PK\5\6" + le(0, 4) + le(0xFFFF, 2) + le(0xFFFF, 2) + le(0xFFFFFFFF, 4) + le(0xFFFFFFFF, 4) +
               le(comment.size(), 2) + comment;
    }
    return out + "PK\5\6" + le(0, 4) + le(entries.size(), 2) + le(entries.size(), 2) + le(directory.size(), 4) +
           le(begin, 4) + le(comment.size(), 2) + comment;
}

// --- pickle -----------------------------------------------------------------------------------------------

inline std::string p_text(const std::string& s) { return "X" + le(s.size(), 4) + s; }
inline std::string p_int(std::uint64_t n) {
    return n < 256 ? "K" + le(n, 1) : n < 65536 ? "M" + le(n, 2) : "\x8A\x09" + le(n, 8) + le(0, 1);
}
inline std::string p_ints(const std::vector<std::uint64_t>& list) {
    std::string s = "(";
    for (const auto n : list) s += p_int(n);
    return s + "t";
}
inline std::string p_pickle(const std::string& body) { return "\x80\x02" + body + "."; }
inline std::string p_ordered_dict() { return "ccollections\nOrderedDict\n)R"; }

/// A tensor as the state dict's pickle tells of it.
struct pickled {
    std::string name, type, key;
    std::uint64_t stored = 0, offset = 0;  ///< elements of the storage; first element of the tensor
    std::vector<std::uint64_t> shape, strides;
};

inline std::string p_storage(const std::string& type, const std::string& key, std::uint64_t stored, bool legacy) {
    return "(" + p_text("storage") + "ctorch\n" + type + "\n" + p_text(key) + p_text("cpu") + p_int(stored) +
           (legacy ? "N" : "") + "tQ";
}
inline std::string p_tensor(const pickled& t, bool legacy) {
    return "ctorch._utils\n_rebuild_tensor_v2\n(" + p_storage(t.type, t.key, t.stored, legacy) + p_int(t.offset) +
           p_ints(t.shape) + p_ints(t.strides) + "\x89" + p_ordered_dict() + "tR";
}
inline std::string p_state_dict(const std::vector<pickled>& tensors, bool legacy = false) {
    std::string s = p_ordered_dict() + "q" + le(0, 1) + "(";
    for (const auto& t : tensors) s += p_text(t.name) + p_tensor(t, legacy);
    return p_pickle(s + "u}" + p_text("_metadata") + p_ordered_dict() + "sb");
}

inline std::string torch_zip(const std::vector<pickled>& tensors, const std::vector<zip_entry>& storages) {
    std::vector<zip_entry> entries = {{"net/data.pkl", p_state_dict(tensors)}, {"net/byteorder", "little"}};
    for (const auto& s : storages) entries.push_back({"net/data/" + s.name, s.data});
    entries.push_back({"net/version", "3\n"});
    return zip_bytes(entries);
}

inline const std::string legacy_magic = "\x80\x02\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19.";
inline std::string legacy_head(bool little = true) {
    return legacy_magic + p_pickle(p_int(1001)) +
           p_pickle("}(" + p_text("protocol_version") + p_int(1001) + p_text("little_endian") +
                    (little ? "\x88" : "\x89") + "u");
}
/// stored: key, how many elements, and their bytes.
struct legacy_storage {
    std::string key;
    std::uint64_t elements;
    std::string data;
};
inline std::string torch_legacy(const std::string& object, const std::vector<legacy_storage>& storages) {
    std::string keys = "](", data;
    for (const auto& s : storages) {
        keys += p_text(s.key);
        data += le(s.elements, 8) + s.data;
    }
    return legacy_head() + object + p_pickle(keys + "e") + data;
}

}  // namespace tests

#endif
