import { provenance as dataverse } from "./dataverse/provenance";
import { provenance as exchange } from "./exchange/provenance";
import { provenance as graph } from "./graph/provenance";
import { provenance as login } from "./login/provenance";
import type { Provenance } from "./provenance";

/** Every behaviour the tenant simulates, by service, with where it is known from. */
export const behaviours: Record<"exchange" | "graph" | "dataverse" | "login", readonly Provenance[]> = {
  exchange,
  graph,
  dataverse,
  login,
};
