// SPDX-License-Identifier: MIT
#include "narae/gen/stop.hpp"

#include "../catch.hpp"

using narae::stop_watch;

namespace {

struct outcome {
    std::string given;
    bool stopped = false;
};

/// Pushes the pieces one by one; what is taken must always be a beginning of the final text.
outcome feed(const std::vector<std::string>& stops, const std::vector<std::string>& pieces) {
    stop_watch watch(stops);
    outcome out;
    for (const auto& p : pieces) {
        out.stopped = watch.push(p);
        out.given += watch.take();
        if (out.stopped) break;
    }
    watch.end();
    out.given += watch.take();
    CHECK(out.given == watch.all());
    return out;
}

}  // namespace

TEST_CASE("text passes through where nothing stops it") {
    CHECK(feed({}, {"나래는 ", "작다", ""}).given == "나래는 작다");
    CHECK(feed({"끝"}, {"시작", "과 중간"}).given == "시작과 중간");
    CHECK(feed({""}, {"빈 문자열은 멈춤이 아니다"}).given == "빈 문자열은 멈춤이 아니다");
}

TEST_CASE("a stop string ends the text before it, in one piece or in many") {
    for (const auto& pieces :
         {std::vector<std::string>{"하나 둘 ### 셋"}, {"하나 둘 #", "#", "# 셋"}, {"하나 둘 ", "###"}}) {
        const auto out = feed({"###"}, pieces);
        CHECK(out.stopped);
        CHECK(out.given == "하나 둘 ");
    }
    CHECK(feed({"라마", "나다"}, {"가나", "다라마"}).given == "가");
}

TEST_CASE("what only looked like a stop string is given after all") {
    const auto out = feed({"<끝>"}, {"a <끝", "없음>"});
    CHECK(!out.stopped);
    CHECK(out.given == "a <끝없음>");
    CHECK(feed({"aab"}, {"a", "a", "a", "c"}).given == "aaac");
    CHECK(feed({"aab"}, {"a", "a", "a", "b"}).given == "a");
}

TEST_CASE("text is held back only as long as it could begin a stop string") {
    const std::vector<std::string> stops{"멈춰"};
    stop_watch watch(stops);
    CHECK(!watch.push("이제 멈"));
    CHECK(watch.take() == "이제 ");
    CHECK(!watch.push("칫"));
    CHECK(watch.take() == "멈칫");
}
