import { decodeHTMLStrict } from "entities";

/** What may be a reference to a character, and an ampersand that is none. */
const REFERENCE = /&(?:#\d{1,7};|#x[0-9a-f]{1,6};|[a-z][a-z0-9]*;)?/gi;

/** Replaces html's references to characters, such as `&eacute;` and `&#233;`, each once; those that html does not have stay. */
export function decoded(html: string): string {
  return html.replace(REFERENCE, (reference) => decodeHTMLStrict(reference));
}

/** Html in which every character stands as itself, but those that would then be something else: they have one reference each. */
export function withOneSpelling(html: string): string {
  return html.replace(REFERENCE, (reference) =>
    decodeHTMLStrict(reference).replaceAll("&", "&amp;").replaceAll("<", "&lt;"),
  );
}

/** Whether a text has a reference in it that {@link decoded} replaces. */
export function hasReference(text: string): boolean {
  return decoded(text) !== text;
}

/** Elements that a text meant as html is likely to have. Other words in angle brackets are text. */
const MARKUP =
  /<!(?:--|doctype\b)|<\/?(?:a|b|body|br|center|div|em|font|h[1-6]|head|hr|html|i|img|li|ol|p|pre|span|strong|style|table|tbody|td|th|tr|u|ul)(?:\s+[\w-]+=[^<>]*)?\s*\/?>/i;

/** A MailTip in canonical form: white space as one blank, as html shows it. */
export function canonicalMailTip(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** Whether a text is meant as html, which a MailTip does not take: it would be shown with its tags. */
export function hasMarkup(text: string): boolean {
  return MARKUP.test(text) || hasReference(text);
}

/** How a text goes into Exchange, which puts an html document around it and takes what is in it for html. */
export function mailTipHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** What a reader sees of a MailTip as Exchange keeps it: html taken off, references as the characters they stand for. */
export function displayedMailTip(html: string): string {
  const text = html
    .replace(/<!--[\s\S]*?-->/g, "")
    .replace(/<\/?(?:br|p|div)\b[^<>]*>/gi, " ")
    .replace(/<[/!]?[a-z][^<>]*>/gi, "");
  return canonicalMailTip(decoded(text));
}
