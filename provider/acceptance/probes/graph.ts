import type { Ground } from "../ground";
import { type Probe, seen, type Verdict } from "../probe";
import type { Json } from "../wire";

/** The mailbox settings, once Graph knows the mailbox. */
function settingsOf(ground: Ground, id: string): Promise<Json> {
  return ground.until("Graph to know the mailbox", async () => {
    const reply = await ground.wire.graph("GET", `/users/${id}/mailboxSettings`);
    return reply.status === 404 ? undefined : (ground.expect(reply, "reading mailbox settings").body ?? {});
  });
}

function isUnset(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

/**
 * `graph.unset-settings`: the settings of a mailbox that nobody has opened. Language, zone and formats null or empty confirm; one
 * with a value contradicts.
 */
async function unsetSettings(ground: Ground): Promise<Verdict> {
  const { id } = await ground.newMailbox();
  const settings = await settingsOf(ground, id);
  const values: Json = {
    language: (settings.language as Json | null)?.locale,
    timeZone: settings.timeZone,
    dateFormat: settings.dateFormat,
    timeFormat: settings.timeFormat,
  };
  const set = Object.keys(values).filter((name) => !isUnset(values[name]));
  return seen(set.length === 0, set.length === 0 ? "none of the four has a value" : `${set.join(", ")} have values`);
}

/**
 * `graph.language-formats`: sets English with formats of its own, then German alone. Formats that are no longer the English ones
 * confirm; formats that stay, or a refusal, contradict.
 */
async function languageFormats(ground: Ground): Promise<Verdict> {
  const { id } = await ground.newMailbox();
  const path = `/users/${id}/mailboxSettings`;
  const english = { language: { locale: "en-US" }, dateFormat: "M/d/yyyy", timeFormat: "h:mm tt" };
  await settingsOf(ground, id);
  ground.expect(await ground.wire.graph("PATCH", path, english), "setting English with its formats");
  const german = await ground.wire.graph("PATCH", path, { language: { locale: "de-DE" } });
  if (german.status >= 400) {
    return seen(false, `another language alone was refused with HTTP ${german.status}`);
  }
  const after = await settingsOf(ground, id);
  const kept = ["dateFormat", "timeFormat"].filter((name) => after[name] === english[name as "dateFormat"]);
  return seen(kept.length === 0, kept.length === 0 ? "the old formats are gone" : `${kept.join(" and ")} stayed`);
}

/** What is tried on Microsoft Graph. */
export const graphProbes: readonly Probe[] = [
  {
    row: "graph.unset-settings",
    assumption: "Language, zone and formats that were never set read as null or empty text.",
    needs: ["disposable"],
    ask: unsetSettings,
  },
  {
    row: "graph.language-formats",
    assumption: "A new language drops formats that do not come with it.",
    needs: ["disposable"],
    ask: languageFormats,
  },
];
