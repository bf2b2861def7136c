"""The language of texts by their script, in runs of decks too, and where lines of East Asian text break."""

from __future__ import annotations

from pathlib import Path

import pytest
from pptx import Presentation
from pptx.oxml.ns import qn

from seedx_sdk import SeedX
from seedx_tools import make_slides, revise_slide
from seedx_tools.decks.text.languages.scripts import languages_of
from seedx_tools.decks.text.layout import breakable_parts


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("销售额与去年相比增长了", "zh-CN"),
        ("銷售額與去年相比增長了", "zh-TW"),
        ("売上は前年比で増えました", "ja-JP"),
        ("매출이 증가했습니다", "ko-KR"),
        ("ارتفعت المبيعات", "ar-SA"),
        ("فروش چهار برابر شد", "fa-IR"),
        ("המכירות עלו", "he-IL"),
        ("बिक्री बढ़ी", "hi-IN"),
        ("ยอดขายเพิ่มขึ้น", "th-TH"),
        ("Продажи выросли", "ru-RU"),
        ("Продажі зросли в Україні", "uk-UA"),
        ("Продажбите се увеличиха през годината, защото търсенето", None),
        ("Οι πωλήσεις αυξήθηκαν", "el-GR"),
        ("Die Umsätze stiegen", None),
        ("α = 3 and β = 4", None),
        ("使用 Kubernetes 部署平台", "zh-CN"),
        ("Meeting with 李雷 about budgets in the third quarter", None),
        ("2026: 15 %", None),
    ],
)
def test_the_script_tells_the_language(text: str, language: str | None) -> None:
    assert languages_of(text).main == language


def test_what_stands_around_tells_whose_characters_they_are() -> None:
    assert languages_of("東京", "売上は前年比で増えました").main == "ja-JP"
    assert languages_of("東京", "銷售額與去年相比增長了").main == "zh-TW"
    assert languages_of("漢字", "매출이 증가했습니다").main == "ko-KR"
    assert languages_of("東京", "", "ja-JP").main == "ja-JP" and languages_of("中文", "", "zh-TW").main == "zh-TW"


def test_lines_break_between_characters_but_not_in_words_or_before_punctuation() -> None:
    assert breakable_parts("使用Kubernetes部署，好。") == ["使", "用", "Kubernetes", "部", "署，", "好。"]
    assert breakable_parts("「東京タワー」1,234点") == ["「東", "京", "タ", "ワー」", "1,234", "点"]


def runs(path: Path) -> dict[str, tuple[str | None, str | None]]:
    """Return the language and the East Asian or complex typeface of the runs of a deck, by their texts."""
    found = {}
    for slide in Presentation(str(path)).slides:
        for run in slide.element.iter(qn("a:r")):
            properties = run.find(qn("a:rPr"))
            faces = (
                [] if properties is None else [c.get("typeface") for c in properties if c.tag[-3:] in ("}ea", "}cs")]
            )
            language = None if properties is None else properties.get("lang")
            found[run.findtext(qn("a:t"))] = (language, next(iter(faces), None))
    return found


def test_runs_of_decks_have_a_language_and_a_typeface(seedx: SeedX, tmp_path: Path) -> None:
    text = (
        "# 年次報告\n## 売上\n- 売上は**大きく**増えました\n- Kubernetes\n\n"
        "| 地域 | 売上高 |\n|---|---|\n| 東京 | 12 |\n\n## 手順\n```process\n計画: 計画を立てる\n実行: する\n```\n"
    )
    path = tmp_path / "deck.pptx"
    make_slides(seedx, text, path=path, pictures=False)
    found = runs(path)
    japanese = ("ja-JP", "Yu Gothic")
    assert all(found[word] == japanese for word in ("年次報告", "大きく", "東京", "計画を立てる"))
    assert found["Kubernetes"] == (None, None) and found["12"] == (None, None)

    revise_slide(seedx, path, 3, "title: Run it", pictures=False)
    assert runs(path)["Run it"][0] is None


def test_a_chart_has_the_language_of_its_labels(seedx: SeedX, tmp_path: Path) -> None:
    text = "# 报告\n## 图\n```chart bar: 销售\n地区,销售\n北京,120\n上海,95\n```\n"
    deck = make_slides(seedx, text, path=tmp_path / "deck.pptx", pictures=False)
    slide = Presentation(str(deck.path)).slides[1]
    (chart,) = (shape.chart for shape in slide.shapes if shape.has_chart)
    properties = next(chart._chartSpace.iter(qn("a:defRPr")))
    assert properties.get("lang") == "zh-CN" and properties.find(qn("a:ea")).get("typeface") == "Microsoft YaHei"
