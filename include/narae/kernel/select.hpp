// SPDX-License-Identifier: MIT
// Which tables this machine can run. A new instruction set is its kernel files, a list in isa/, and a line here.
#ifndef NARAE_KERNEL_SELECT_HPP
#define NARAE_KERNEL_SELECT_HPP

#include <cstddef>

#include "narae/kernel/isa/avx2.hpp"
#include "narae/kernel/isa/avx512.hpp"
#include "narae/kernel/isa/neon.hpp"
#include "narae/kernel/table.hpp"
#include "narae/sys/cpu.hpp"

namespace narae::inline NARAE_ABI::kernel {

/// A short list of tables, plainest first, best last.
struct table_list {
    static constexpr std::size_t capacity = 8;
    table item[capacity];
    std::size_t count = 1;  // the first is scalar
    void add(const table& t) noexcept { item[count++] = t; }
    const table* begin() const noexcept { return item; }
    const table* end() const noexcept { return item + count; }
    const table& best() const noexcept { return item[count - 1]; }
};

/// Every table that this machine can run.
inline table_list runnable() noexcept {
    table_list all;
#if NARAE_X86
    if (sys::has_avx2()) all.add(avx2::overlay(all.best()));
    if (sys::has_avx_vnni()) all.add(avx2::overlay_vnni(all.best()));
    if (sys::has_avx512_vnni()) all.add(avx512::overlay(all.best()));
#endif
#if NARAE_NEON
    all.add(neon::overlay(all.best()));
#endif
#ifdef NARAE_NEON_DOT
    if (sys::has_dotprod()) all.add(neon::overlay_dot(all.best()));
#endif
    return all;
}

}  // namespace narae::inline NARAE_ABI::kernel

#endif
