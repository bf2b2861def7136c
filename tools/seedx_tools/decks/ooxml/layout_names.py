"""What a layout is for, by words in its name, in the languages that PowerPoint, Keynote and templates come in."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal, TypeAlias

NamedRole: TypeAlias = Literal["cover", "section", "quote", "closing"]

_WORDS: dict[NamedRole, str] = {
    "section": """
        section, divider, chapter, Abschnitt, Kapitel, Trennfolie, Trennseite, Zwischentitel, Zwischenfolie, chapitre,
        intercalaire, séparateur, sección, separador, capítulo, seção, secção, sezione, capitolo, divisorio, sectie,
        hoofdstuk, avsnitt, afsnit, osan ylätunniste, osio, väliotsikko, sekcj, rozdział, oddíl, sekce, szakasz,
        fejezet, bölüm, secțiune, ενότητα, κεφάλαιο, раздел, глава, розділ, מקטע, פרק, قسم, القسم, مقطع, المقطع, 章, 节,
        節, 过渡, セクション, 구역, 섹션, अनुभाग, phần""",
    "quote": """
        quote, quotation, Zitat, citation, cita, citas, citação, citazione, citaat, citat, lainaus, sitat, cytat,
        idézet, alıntı, παράθεση, απόφθεγμα, цитата, ציטוט, اقتباس, 引用, 引言, 名言, 인용, 명언, trích dẫn""",
    "closing": """
        closing, thank, end slide, final slide, last slide, Schluss, Schlussfolie, Abschluss, Endfolie, Danke, merci,
        clôture, diapositive de fin, gracias, cierre, obrigado, obrigada, encerramento, grazie, chiusura, bedankt,
        afsluiting, slotdia, tack, avslut, takk, tak, kiitos, lopetus, dziękuj, zakończenie, děkuj, závěr, köszön,
        záró, teşekkür, kapanış, mulțum, ευχαριστ, спасибо, заключ, дякуємо, תודה, סיום, شكر, ختام, 谢谢, 謝謝, 感谢,
        致谢, 结束, 封底, ありがとう, 終了, 結び, 감사, 마무리, धन्यवाद, cảm ơn""",
    "cover": """
        title slide, title page, cover, front page, opening slide, Titelfolie, Titelseite, Deckblatt, Startfolie,
        diapositive de titre, page de garde, couverture, portada, diapositiva de título, carátula, capa,
        slide de título, copertina, diapositiva titolo, frontespizio, titeldia, omslag, voorblad, Rubrikbild,
        titelbild, forside, titeldias, tittellysbilde, otsikkodia, kansi, slajd tytułowy, okładka, úvodní snímek,
        titulní, címdia, borító, başlık slaydı, kapak, diapozitiv titlu, copertă, διαφάνεια τίτλου, εξώφυλλο, титульн,
        обложка, שקופית כותרת, שער, شريحة عنوان, غلاف, 标题幻灯片, 標題投影片, 封面, タイトル スライド, 表紙,
        제목 슬라이드, 표지, शीर्षक स्लाइड, trang bìa, trang tiêu đề""",
}
"""Where a layout fits two, the first counts: a "section title slide" is a section. A word may be only a stem."""


def named_role(name: str) -> NamedRole | None:
    """Return what a layout is for by its name; None if no word of it tells."""
    plain = _plain(name)
    return next((role for role, pattern in _PATTERNS.items() if pattern.search(plain)), None)


def _plain(text: str) -> str:
    """Return a text in lower case, without the accents of Latin, Greek and Cyrillic, one space between words."""
    letters = unicodedata.normalize("NFD", text.casefold().translate(_WITHOUT_ACCENT))
    kept = "".join(char for char in letters if not "\u0300" <= char <= "\u036f")
    return " ".join(re.split(r"[\s_\-./]+", unicodedata.normalize("NFC", kept))).strip()


def _pattern(words: str) -> re.Pattern[str]:
    """Return a pattern that finds any of these words."""
    return re.compile("|".join(_word_pattern(_plain(word)) for word in words.split(",")))


def _word_pattern(word: str) -> str:
    """Return a pattern of words that start so; a short word is meant as a whole, one without spaces as any part."""
    if unicodedata.east_asian_width(word[0]) == "W":
        return re.escape(word)
    end = r"\b" if len(word) <= _SHORT else ""
    return rf"\b{re.escape(word)}{end}"


_SHORT = 4
_WITHOUT_ACCENT = str.maketrans({"\u0131": "i", "\u0142": "l", "\u00f8": "o", "\u00e6": "ae", "\u0153": "oe"})
_PATTERNS: dict[NamedRole, re.Pattern[str]] = {role: _pattern(words) for role, words in _WORDS.items()}
