import { addressColumn, type Behind, writeBehind } from "../mailbox-record/behind";
import { forgetCommands } from "../mailbox-record/values";
import type { Operation } from "../reconciler";
import { written } from "../written";
import { noteGiven } from "./former";

/** Writes an address to the user or queue; the record follows. */
export async function setAddress(behind: Behind, address: string | null, operation: Operation): Promise<void> {
  await written(
    () =>
      writeBehind(
        behind,
        addressColumn(behind, address),
        `changing the address of the ${behind.kind} ${behind.name}`,
        operation,
      ),
    () => {
      forgetCommands(["emailAddress"], operation.state);
      if (address !== null) {
        operation.state.emailAddress = address;
        noteGiven({ emailAddress: address }, ["emailAddress"], operation);
      }
    },
  );
}
