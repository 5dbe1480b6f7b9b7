import { contraries } from "../contrary";
import { defaultSettings, type Settings, type SettingsChange } from "../tenant";
import { isPlainObject } from "../values";

/** Settings that take one of several words. */
const choices: Record<string, readonly string[]> = {
  testReason: ["alerts", "row"] satisfies Settings["testReason"][],
  newMailboxSpoAddress: ["some", "always", "never"] satisfies Settings["newMailboxSpoAddress"][],
  missingIdentity: ["error", "everything"] satisfies Settings["missingIdentity"][],
  approval: ["authorised", "refused", "silent"] satisfies Settings["approval"][],
};
const outcomes = ["success", "failure", "never"];

/**
 * A change of settings as the control interface takes it, or what is wrong with it. Every member has to be a known setting and of
 * the type of its default; numbers may not be negative.
 */
export function checkedSettings(change: Record<string, unknown>): SettingsChange | string {
  return problemIn(change, { ...defaultSettings() }, "") ?? (change as SettingsChange);
}

function problemIn(
  change: Record<string, unknown>,
  known: Record<string, unknown>,
  prefix: string,
): string | undefined {
  for (const [name, value] of Object.entries(change)) {
    const path = prefix + name;
    const problem =
      name in known
        ? problemOf(path, value, known[name])
        : `There is no setting "${path}". Known: ${Object.keys(known).join(", ")}.`;
    if (problem !== undefined) {
      return problem;
    }
  }
  return undefined;
}

function problemOf(path: string, value: unknown, example: unknown): string | undefined {
  if (path === "test.outcomes") {
    return isPlainObject(value) && Object.values(value).every((outcome) => outcomes.includes(String(outcome)))
      ? undefined
      : `Setting "${path}" maps addresses to one of ${outcomes.join(", ")}.`;
  }
  if (path === "contrary") {
    return Array.isArray(value) && value.every((id) => Object.hasOwn(contraries, String(id)))
      ? undefined
      : `Setting "${path}" lists ids of behaviours that can be turned round: ${Object.keys(contraries).join(", ")}.`;
  }
  if (isPlainObject(example)) {
    return isPlainObject(value) ? problemIn(value, example, `${path}.`) : `Setting "${path}" is an object.`;
  }
  const allowed = choices[path];
  if (allowed !== undefined) {
    return allowed.includes(String(value)) ? undefined : `Setting "${path}" is one of ${allowed.join(", ")}.`;
  }
  if (typeof value !== typeof example) {
    return `Setting "${path}" is a ${typeof example}.`;
  }
  return typeof value === "number" && !(value >= 0) ? `Setting "${path}" is a number from 0.` : undefined;
}
