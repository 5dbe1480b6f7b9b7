import { ConflictError } from "../../http/errors";
import type { Operation } from "../reconciler";

/** Another environment than the one in the state: its rows are neither gone nor changed, they are elsewhere. */
export async function requireSameOrganization(
  action: string,
  { state, services, ...operation }: Operation,
): Promise<void> {
  const configured = await services.dataverse.organizationId(operation);
  if (state.organizationId !== undefined && state.organizationId !== configured) {
    const setting = typeof state.environmentUrl === "string" ? "environmentUrl" : "mailboxes:environmentUrl";
    throw new ConflictError({
      action,
      words: `it is in the Dataverse organisation ${state.organizationId}, but ${setting} leads to ${configured}`,
      nextStep: "Nothing was read or changed. Name the environment that the stack was deployed to.",
    });
  }
}

/** Whether a program moves a row to another environment, as far as the addresses say: a change replaces it. */
export function isElsewhere(state: unknown, inputs: unknown, configured: string | undefined): boolean {
  const before = state ?? configured;
  const after = inputs ?? configured;
  return before !== undefined && after !== undefined && before !== after;
}
