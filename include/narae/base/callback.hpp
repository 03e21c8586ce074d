// SPDX-License-Identifier: MIT
// The one callback type: a borrowed function that says whether to go on. It reports progress and cancels.
// Like C++26's std::function_ref: it owns nothing, so it must not outlive the call it is passed to.
#ifndef NARAE_BASE_CALLBACK_HPP
#define NARAE_BASE_CALLBACK_HPP

#include <memory>
#include <type_traits>
#include <utility>

#include "narae/base/config.hpp"

namespace narae::inline NARAE_ABI {

/// Calls back with Args; the callee returns true to go on, false to stop. One that returns nothing, or none: goes on.
template <class... Args> class callback {
public:
    callback() = default;
    callback(std::nullptr_t) {}

    template <class F, class = std::enable_if_t<!std::is_same_v<std::remove_cvref_t<F>, callback>>>
    callback(F&& f)
        : target_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
          call_([](void* target, Args... args) -> bool {
              auto& callee = *static_cast<std::add_pointer_t<F>>(target);
              if constexpr (std::is_void_v<decltype(callee(std::forward<Args>(args)...))>)
                  return callee(std::forward<Args>(args)...), true;
              else
                  return callee(std::forward<Args>(args)...);
          }) {}

    bool operator()(Args... args) const { return call_ == nullptr || call_(target_, std::forward<Args>(args)...); }

private:
    void* target_ = nullptr;
    bool (*call_)(void*, Args...) = nullptr;
};

}  // namespace narae::inline NARAE_ABI

#endif
