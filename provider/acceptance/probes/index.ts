import type { Probe } from "../probe";
import { dataverseProbes } from "./dataverse";
import { exchangeProbes } from "./exchange";
import { graphProbes } from "./graph";
import { loginProbes } from "./login";

/** Every probe, in the order in which they run: what only asks comes first in each service. */
export const probes: readonly Probe[] = [...loginProbes, ...exchangeProbes, ...graphProbes, ...dataverseProbes];
