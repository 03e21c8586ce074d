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
#include <vector>

#include "narae/base/callback.hpp"
#include "narae/base/result.hpp"
#include "narae/sys/cpu.hpp"
#ifndef NARAE_NO_THREADS
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
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

/// Threads that wait for work; the caller's thread is one of them. Between two pieces of work a thread watches for the
/// next one for some microseconds, then sleeps: an idle team costs nothing. Sleep is mutex and condition variable, as
/// the newer standard primitives hang on some systems.
class team {
public:
    /// A team of `threads` (1 starts none; 0 means one per processor, at most 16).
    static result<std::unique_ptr<team>> make(std::size_t threads) {
        const std::size_t processors = std::thread::hardware_concurrency();
        if (threads == 0) threads = std::clamp<std::size_t>(processors, 1, 16);
        auto made = std::unique_ptr<team>(new team);
        made->size_ = threads;
        made->watch_ = threads <= processors ? 2000 : 0;  // watching would keep others from their processor
        for (std::size_t i = 1; i < threads; ++i) {
#if NARAE_EXCEPTIONS
            try {
                made->threads_.emplace_back([t = made.get(), i] { t->serve(i); });
            } catch (...) {
                return error{errc::io, {"cannot start thread ", i, " of ", threads}};
            }
#else
            made->threads_.emplace_back([t = made.get(), i] { t->serve(i); });
#endif
        }
        return made;
    }

    team(const team&) = delete;
    team& operator=(const team&) = delete;
    ~team() {
        stop_ = true;
        start_round();
        for (auto& t : threads_) t.join();
    }

    std::size_t size() const noexcept { return size_; }

    /// f(part, parts) for every part, each on its own thread. f must not throw and must not call run.
    void run(callback<std::size_t, std::size_t> f) {
        if (size_ == 1) return void(f(0, 1));
        work_ = f;
        running_ = size_ - 1;
        start_round();
        f(0, size_);
        await(done_, caller_sleeps_, [this] { return running_ == 0; });
    }

private:
    team() = default;

    void serve(std::size_t part) {
        for (std::size_t seen = 0;; ++seen) {  // each round is seen: run() waits for all
            await(go_, sleepers_, [&] { return round_ != seen; });
            if (stop_) return;
            work_(part, size_);
            if (--running_ == 0) wake(done_, caller_sleeps_);
        }
    }

    void start_round() {
        ++round_;
        wake(go_, sleepers_);
    }

    /// Returns once ready() is true. A sleeper counts itself before it looks for the last time, and wake() looks at the
    /// count after what it announces is visible (both sequentially consistent): one of them sees the other.
    void await(std::condition_variable& bell, std::atomic<std::size_t>& sleepers, auto&& ready) {
        for (std::size_t i = 0; i < watch_; ++i) {
            if (ready()) return;
            relax();
        }
        std::unique_lock lock(mutex_);
        ++sleepers;
        bell.wait(lock, ready);
        --sleepers;
    }
    void wake(std::condition_variable& bell, std::atomic<std::size_t>& sleepers) {
        if (sleepers == 0) return;
        { const std::lock_guard lock(mutex_); }  // a sleeper that has looked is now waiting
        bell.notify_all();
    }

    std::vector<std::thread> threads_;
    std::mutex mutex_;
    std::condition_variable go_, done_;
    callback<std::size_t, std::size_t> work_;
    std::size_t size_ = 1, watch_ = 0;
    std::atomic<std::size_t> round_ = 0, running_ = 0, sleepers_ = 0, caller_sleeps_ = 0;
    std::atomic<bool> stop_ = false;
};

#else

/// Where there are no threads: a team of one.
class team {
public:
    static result<std::unique_ptr<team>> make(std::size_t) { return std::make_unique<team>(); }
    std::size_t size() const noexcept { return 1; }
    void run(callback<std::size_t, std::size_t> f) { f(0, 1); }
};

#endif

}  // namespace narae::inline NARAE_ABI::sys

#endif
