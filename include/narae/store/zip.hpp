// SPDX-License-Identifier: MIT
// The table of contents of a zip archive whose entries are stored as they are, as torch.save writes it.
// Sizes come from the central directory: the local headers of such files leave them out.
// Format: PKWARE APPNOTE.TXT 6.3, sections 4.3 and 4.5.3 (zip64).
#ifndef NARAE_STORE_ZIP_HPP
#define NARAE_STORE_ZIP_HPP

#include <map>
#include <string>
#include <string_view>

#include "narae/base/bytes.hpp"
#include "narae/store/tensor.hpp"

namespace narae::inline NARAE_ABI::store {

/// Entry names and their bytes, both views into the archive.
using zip_entries = std::map<std::string_view, byte_view>;

namespace zip_detail {

inline constexpr std::size_t end_size = 22, end64_size = 56, locator_size = 20, central_size = 46, local_size = 30;

/// The number at byte `at` of a record; 0 where the record is too short.
template <class T> std::uint64_t field(byte_view record, std::uint64_t at) {
    return cursor(record, at).read<T>("zip field");
}
inline constexpr auto u16 = field<std::uint16_t>;
inline constexpr auto u32 = field<std::uint32_t>;
inline constexpr auto u64 = field<std::uint64_t>;

/// The central directory: where it lies and how many entries it lists.
struct directory {
    std::uint64_t begin, size, entries;
};

inline result<directory> find_directory(byte_view file) {
    // The end record stands last, before a comment of at most 65,535 bytes whose length it knows.
    for (std::size_t comment = 0; comment <= 0xFFFF && end_size + comment <= file.size(); ++comment) {
        const auto at = file.size() - end_size - comment;
        const auto end = file.subspan(at);
        if (u32(end, 0) != 0x06054B50 || u16(end, 20) != comment) continue;
        directory d{u32(end, 16), u32(end, 12), u16(end, 10)};
        std::uint64_t limit = at;
        if (d.begin == 0xFFFFFFFF || d.size == 0xFFFFFFFF || d.entries == 0xFFFF) {
            if (at < locator_size || u32(file, at - locator_size) != 0x07064B50)
                return error{errc::bad_value, "zip: no zip64 locator", at};
            limit = u64(file, at - locator_size + 8);
            const auto end64 = cursor(file.first(at - locator_size), limit).take(end64_size, "zip64 end record");
            if (u32(end64, 0) != 0x06064B50) return error{errc::bad_value, "zip: no zip64 end record", limit};
            d = {u64(end64, 48), u64(end64, 40), u64(end64, 32)};
        }
        if (d.begin > limit || d.size > limit - d.begin || d.entries > d.size / central_size)
            return error{errc::bad_value, "zip: the central directory lies outside the file", at};
        return d;
    }
    return error{errc::truncated, "zip: no end record: the file is cut short or not a zip archive", file.size()};
}

/// Replaces the values that a 32-bit field could not hold by those of the zip64 extra field, in their fixed order.
inline bool widen(byte_view extra, std::uint64_t& size, std::uint64_t& packed, std::uint64_t& offset) {
    if (size != 0xFFFFFFFF && packed != 0xFFFFFFFF && offset != 0xFFFFFFFF) return true;
    cursor fields(extra);
    while (fields && fields.left() >= 4) {
        const auto id = fields.read<std::uint16_t>("id"), length = fields.read<std::uint16_t>("length");
        cursor wide(fields.take(length, "extra field"));
        if (id != 1) continue;
        for (auto* value : {&size, &packed, &offset})
            if (*value == 0xFFFFFFFF) *value = wide.read<std::uint64_t>("zip64 field");
        return static_cast<bool>(wide);
    }
    return false;
}

}  // namespace zip_detail

/// Lists a whole zip archive. Compressed or encrypted entries, and names that occur twice, are refused.
inline result<zip_entries> parse_zip(byte_view file) {
    using namespace zip_detail;
    const auto found = find_directory(file);
    if (!found) return found.error();
    zip_entries entries;
    cursor in(file.first(static_cast<std::size_t>(found->begin + found->size)), found->begin);
    for (std::uint64_t i = 0; i < found->entries; ++i) {
        const auto at = in.at();
        const auto head = in.take(central_size, "zip: central directory");
        if (in && u32(head, 0) != 0x02014B50) return error{errc::bad_value, "zip: not a central directory entry", at};
        const auto name = as_text(in.take(u16(head, 28), "zip: an entry's name"));
        const auto extra = in.take(u16(head, 30), "zip: an entry's extra field");
        in.take(u16(head, 32), "zip: an entry's comment");
        if (!in) return in.error();
        const auto refuse = [&](errc code, std::string_view why) {
            return error{code, {printable(name), ": ", why}, at};
        };

        if ((u16(head, 8) & 1) != 0) return refuse(errc::unsupported, "encrypted zip entry");
        if (u16(head, 10) != 0) return refuse(errc::unsupported, "compressed zip entry");
        auto packed = u32(head, 20), size = u32(head, 24), offset = u32(head, 42);
        if (!widen(extra, size, packed, offset)) return refuse(errc::bad_value, "broken zip64 sizes");
        if (packed != size) return refuse(errc::bad_value, "a stored zip entry with two sizes");

        cursor local(file.first(static_cast<std::size_t>(found->begin)), offset);
        const auto start = local.take(local_size, "zip entry");
        if (u32(start, 0) != 0x04034B50) return refuse(errc::bad_value, "no zip entry at its offset");
        if (as_text(local.take(u16(start, 26), "zip entry")) != name)
            return refuse(errc::bad_value, "another zip entry's offset");
        local.take(u16(start, 28), "zip entry");
        const auto data = local.take(size, "zip entry");
        if (!local) return refuse(errc::truncated, "the zip entry's bytes are cut short");
        if (!entries.emplace(name, data).second) return refuse(errc::bad_value, "occurs twice");
    }
    return entries;
}

}  // namespace narae::inline NARAE_ABI::store

#endif
