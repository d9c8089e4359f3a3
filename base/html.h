/* Pages of HTML that need nothing from outside, all in one look, light and dark.
 *
 *     weft_html_begin(out, "lenet: evaluation");
 *     ... headings, paragraphs, tables, in classes of html.c ...
 *     weft_html_end(out);
 *
 * Whether all could be written is for the stream to say. */
#ifndef WEFT_BASE_HTML_H
#define WEFT_BASE_HTML_H

#include <stdio.h>

/* The head, up to an open <main>. */
void weft_html_begin(FILE *out, const char *title);
void weft_html_end(FILE *out);

/* Text from outside: nothing in it is a tag, or the end of an attribute. */
void weft_html_text(FILE *out, const char *text);

/* A figure in large, what it is, and a line of detail; the three are HTML. In a <div class="cards">. */
void weft_html_card(FILE *out, const char *value, const char *what, const char *more);

/* A row of a <table class="facts">; value is text. */
void weft_html_fact(FILE *out, const char *name, const char *value);

#endif
