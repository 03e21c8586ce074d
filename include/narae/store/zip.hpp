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

template <class T>
T field(byte_view record, std::size_t at) noexcept {
    return load_le<T>(record.data() + at);
}

inline bool signed_as(byte_view record, std::uint32_t signature) noexcept {
    return field<std::uint32_t>(record, 0) == signature;
}

/// The central directory: where it lies and how many entries it lists.
struct directory {
    std::uint64_t begin, size, entries;
};

inline result<directory> find_directory(byte_view file) {
    // The end record stands last, before a comment of at most 65,535 bytes whose length it knows.
    for (std::size_t comment = 0; comment <= 0xFFFF && end_size + comment <= file.size(); ++comment) {
        const auto at = file.size() - end_size - comment;
        const auto end = file.subspan(at);
        if (!signed_as(end, 0x06054B50) || field<std::uint16_t>(end, 20) != comment) continue;
        directory d{field<std::uint32_t>(end, 16), field<std::uint32_t>(end, 12), field<std::uint16_t>(end, 10)};
        std::uint64_t limit = at;
        if (d.begin == 0xFFFFFFFF || d.size == 0xFFFFFFFF || d.entries == 0xFFFF) {
            if (at < locator_size || !signed_as(file.subspan(at - locator_size), 0x07064B50))
                return error{errc::bad_value, "zip: no zip64 locator", at};
            const auto at64 = field<std::uint64_t>(file.subspan(at - locator_size), 8);
            if (at64 > at - locator_size || at - locator_size - at64 < end64_size ||
                !signed_as(file.subspan(static_cast<std::size_t>(at64)), 0x06064B50))
                return error{errc::bad_value, "zip: no zip64 end record", at64};
            const auto end64 = file.subspan(static_cast<std::size_t>(at64));
            d = {field<std::uint64_t>(end64, 48), field<std::uint64_t>(end64, 40), field<std::uint64_t>(end64, 32)};
            limit = at64;
        }
        if (d.begin > limit || d.size > limit - d.begin || d.entries > d.size / central_size)
            return error{errc::bad_value, "zip: the central directory lies outside the file", at};
        return d;
    }
    return error{errc::truncated, "zip: no end record: the file is cut short or not a zip archive", file.size()};
}

/// Replaces the values that a 32-bit field could not hold by those of the zip64 extra field, in their fixed order.
inline bool widen(byte_view extra, std::uint64_t& size, std::uint64_t& packed, std::uint64_t& offset) {
    const bool wide[] = {size == 0xFFFFFFFF, packed == 0xFFFFFFFF, offset == 0xFFFFFFFF};
    std::uint64_t* const values[] = {&size, &packed, &offset};
    if (!wide[0] && !wide[1] && !wide[2]) return true;
    while (extra.size() >= 4) {
        const auto length = field<std::uint16_t>(extra, 2);
        if (length > extra.size() - 4) return false;
        if (field<std::uint16_t>(extra, 0) == 1) {
            cursor in(extra.subspan(4, length));
            for (int i = 0; i < 3; ++i) {
                if (!wide[i]) continue;
                const auto value = in.read<std::uint64_t>("zip64 field");
                if (!value) return false;
                *values[i] = *value;
            }
            return true;
        }
        extra = extra.subspan(std::size_t{4} + length);
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
        if (!head) return head.error();
        if (!signed_as(*head, 0x02014B50)) return error{errc::bad_value, "zip: not a central directory entry", at};
        const auto name = in.take(field<std::uint16_t>(*head, 28), "zip: an entry's name");
        if (!name) return name.error();
        const auto extra = in.take(field<std::uint16_t>(*head, 30), "zip: an entry's extra field");
        if (!extra) return extra.error();
        const auto comment = in.take(field<std::uint16_t>(*head, 32), "zip: an entry's comment");
        if (!comment) return comment.error();
        const auto refuse = [&](errc code, std::string_view why) {
            return error{code, concat({printable(as_text(*name)), ": ", why}), at};
        };

        if ((field<std::uint16_t>(*head, 8) & 1) != 0) return refuse(errc::unsupported, "encrypted zip entry");
        if (field<std::uint16_t>(*head, 10) != 0) return refuse(errc::unsupported, "compressed zip entry");
        std::uint64_t packed = field<std::uint32_t>(*head, 20), size = field<std::uint32_t>(*head, 24),
                      offset = field<std::uint32_t>(*head, 42);
        if (!widen(*extra, size, packed, offset)) return refuse(errc::bad_value, "broken zip64 sizes");
        if (packed != size) return refuse(errc::bad_value, "a stored zip entry with two sizes");

        cursor local(file.first(static_cast<std::size_t>(found->begin)), offset);
        const auto start = local.take(local_size, "zip entry");
        if (!start || !signed_as(*start, 0x04034B50)) return refuse(errc::bad_value, "no zip entry at its offset");
        const auto again = local.take(field<std::uint16_t>(*start, 26), "zip entry");
        if (!again || as_text(*again) != as_text(*name)) return refuse(errc::bad_value, "another zip entry's offset");
        const auto gap = local.take(field<std::uint16_t>(*start, 28), "zip entry");
        const auto data = local.take(size, "zip entry");
        if (!gap || !data) return refuse(errc::truncated, "the zip entry's bytes are cut short");
        if (!entries.emplace(as_text(*name), *data).second) return refuse(errc::bad_value, "occurs twice");
    }
    return entries;
}

}  // namespace narae::inline NARAE_ABI::store

#endif
