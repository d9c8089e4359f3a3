#include "base/html.h"

/* Colours that people with any colour vision tell apart (Okabe and Ito, 2008). The policy lets the page load nothing at
 * all. */
static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
    "'unsafe-inline'\">\n";

static const char style[] =
    "<style>\n"
    ":root{--page:#f6f7f9;--card:#fff;--ink:#1f2937;--muted:#5b6472;--line:#e2e6ec;--link:#005a8f;--bad:#b34700;"
    "--good:#005a8f}\n"
    "@media(prefers-color-scheme:dark){:root{--page:#0d1117;--card:#161b22;--ink:#e5e7eb;--muted:#9ca3af;"
    "--line:#2b333d;--link:#79c0ff;--bad:#f0a35e;--good:#79c0ff}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,'Segoe "
    "UI',Roboto,'DejaVu Sans',sans-serif}\n"
    "main{max-width:1120px;margin:0 auto;padding:32px 20px 56px}\n"
    "h1{font-size:1.9rem;line-height:1.2;margin:0 0 4px;overflow-wrap:anywhere}\n"
    "h2{font-size:1.2rem;margin:40px 0 12px}\n"
    "p{margin:0 0 12px}a{color:var(--link)}.muted{color:var(--muted)}\n"
    ".cards{display:grid;grid-template-columns:repeat(2,1fr);gap:12px;margin:24px 0 0}\n"
    "@media(min-width:760px){.cards{grid-template-columns:repeat(3,1fr)}}\n"
    ".card,figure,.wide{background:var(--card);border:1px solid var(--line);border-radius:10px}\n"
    ".card{padding:14px 16px}.card b{display:block;font-size:1.65rem;line-height:1.25;font-weight:650;"
    "font-variant-numeric:tabular-nums}\n"
    ".card span{display:block;color:var(--muted);font-size:.85rem;line-height:1.35}\n"
    ".pair{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(440px,100%),1fr));gap:0 16px}\n"
    "figure{margin:0 0 16px;padding:12px}figure img{display:block;width:100%;height:auto}\n"
    ".broad{overflow-x:auto}.broad img{min-width:720px}\n"
    "figcaption{color:var(--muted);font-size:.85rem;padding:8px 4px 0}\n"
    ".wide{overflow-x:auto;margin-bottom:16px}table{border-collapse:collapse;width:100%;"
    "font-variant-numeric:tabular-nums}\n"
    "th,td{padding:5px 14px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}\n"
    "th{color:var(--muted);font-weight:600;font-size:.85rem}tr:last-child td,tr:last-child th{border-bottom:0}\n"
    "td:first-child{white-space:normal;overflow-wrap:anywhere;min-width:8em}\n"
    "th:first-child,td:first-child,.facts td{text-align:left}.facts td{white-space:normal;overflow-wrap:anywhere}\n"
    ".facts th{width:1%}\n"
    ".mistakes{display:grid;grid-template-columns:repeat(auto-fill,minmax(118px,1fr));gap:12px}\n"
    ".mistakes figure{margin:0;padding:10px;text-align:center}\n"
    ".mistakes img{width:112px;max-width:100%;margin:0 auto;image-rendering:pixelated;border-radius:4px}\n"
    ".mistakes figcaption{padding-top:8px;line-height:1.35;overflow-wrap:anywhere}\n"
    ".truth{color:var(--good);font-weight:600}.answer{color:var(--bad);font-weight:600}\n"
    "</style>\n";

void weft_html_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        switch (c) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        default: fputc(c < 0x20 || c == 0x7f ? ' ' : c, out);
        }
    }
}

void weft_html_begin(FILE *out, const char *title)
{
    fputs(head, out);
    fputs("<title>", out);
    weft_html_text(out, title);
    fputs("</title>\n", out);
    fputs(style, out);
    fputs("</head>\n<body>\n<main>\n", out);
}

void weft_html_end(FILE *out)
{
    fputs("</main>\n</body>\n</html>\n", out);
}

void weft_html_card(FILE *out, const char *value, const char *what, const char *more)
{
    fprintf(out, "<div class=\"card\"><b>%s</b>%s<span>%s</span></div>\n", value, what, more);
}

void weft_html_fact(FILE *out, const char *name, const char *value)
{
    fprintf(out, "<tr><th>%s</th><td>", name);
    weft_html_text(out, value);
    fputs("</td></tr>\n", out);
}
