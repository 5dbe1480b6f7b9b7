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
