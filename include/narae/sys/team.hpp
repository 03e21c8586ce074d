// SPDX-License-Identifier: MIT
// A fork-join team: run(f) calls f(part, parts) once on every thread and returns when all are done.
// Who does which part never changes a result: every number is computed whole by one thread.
#ifndef NARAE_SYS_TEAM_HPP
#define NARAE_SYS_TEAM_HPP

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "narae/base/result.hpp"
#ifndef NARAE_NO_THREADS
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>
#endif

namespace narae::inline NARAE_ABI::sys {

/// Part `part` of `parts` of the range [0, n), cut at multiples of `step`.
struct slice {
    std::size_t begin, end;
};
constexpr slice slice_of(std::size_t n, std::size_t step, std::size_t part, std::size_t parts) noexcept {
    const auto steps = (n + step - 1) / step;
    return {(std::min)(n, steps * part / parts * step), (std::min)(n, steps * (part + 1) / parts * step)};
}

#ifndef NARAE_NO_THREADS

/// Threads that wait for work; the caller's thread is one of them. Mutex and condition variable only:
/// the newer standard primitives hang on some systems.
class team {
public:
    /// A team of `threads` (1 starts none; 0 means one per processor, at most 16).
    static result<std::unique_ptr<team>> make(std::size_t threads) {
        if (threads == 0) threads = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 16);
        auto made = std::unique_ptr<team>(new team);
        for (std::size_t i = 1; i < threads; ++i) {
#if NARAE_EXCEPTIONS
            try {
                made->threads_.emplace_back([t = made.get(), i] { t->serve(i); });
            } catch (...) {
                return error{errc::io, concat({"cannot start thread ", i, " of ", threads})};
            }
#else
            made->threads_.emplace_back([t = made.get(), i] { t->serve(i); });
#endif
        }
        made->size_ = threads;
        return made;
    }

    team(const team&) = delete;
    team& operator=(const team&) = delete;
    ~team() {
        {
            const std::lock_guard lock(mutex_);
            stop_ = true;
        }
        go_.notify_all();
        for (auto& t : threads_) t.join();
    }

    std::size_t size() const noexcept { return size_; }

    /// f(part, parts) for every part, each on its own thread. f must not throw and must not call run.
    template <class F>
    void run(F&& f) {
        if (size_ == 1) return f(std::size_t{0}, std::size_t{1});
        {
            const std::lock_guard lock(mutex_);
            work_ = [](void* body, std::size_t part, std::size_t parts) {
                (*static_cast<std::remove_reference_t<F>*>(body))(part, parts);
            };
            body_ = const_cast<void*>(static_cast<const void*>(std::addressof(f)));
            running_ = size_ - 1;
            ++round_;
        }
        go_.notify_all();
        f(std::size_t{0}, size_);
        std::unique_lock lock(mutex_);
        done_.wait(lock, [this] { return running_ == 0; });
    }

private:
    team() = default;

    void serve(std::size_t part) {
        std::size_t seen = 0;
        std::unique_lock lock(mutex_);
        while (true) {
            go_.wait(lock, [&] { return stop_ || round_ != seen; });
            if (stop_) return;
            seen = round_;
            const auto work = work_;
            const auto body = body_;
            const auto parts = size_;
            lock.unlock();
            work(body, part, parts);
            lock.lock();
            if (--running_ == 0) done_.notify_one();
        }
    }

    std::vector<std::thread> threads_;
    std::mutex mutex_;
    std::condition_variable go_, done_;
    void (*work_)(void*, std::size_t, std::size_t) = nullptr;
    void* body_ = nullptr;
    std::size_t size_ = 1, running_ = 0, round_ = 0;
    bool stop_ = false;
};

#else

/// Where there are no threads: a team of one.
class team {
public:
    static result<std::unique_ptr<team>> make(std::size_t) { return std::make_unique<team>(); }
    std::size_t size() const noexcept { return 1; }
    template <class F>
    void run(F&& f) {
        f(std::size_t{0}, std::size_t{1});
    }
};

#endif

}  // namespace narae::inline NARAE_ABI::sys

#endif
