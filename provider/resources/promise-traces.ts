import { sep } from "node:path";

/**
 * Leaves out what Pulumi's SDK writes down of stack traces and nobody reads, while a resource is made. Where programs run under ts-node,
 * which is what Pulumi does, each line of a trace is looked up in a source map: that was half of the time of a whole program.
 *
 * The SDK takes four traces for each output, to say which promise never ended, and shows them only with `PULUMI_DEBUG_PROMISE_LEAKS`:
 * these are empty. It keeps one trace a resource in the state: what stands there of Node and of the SDK below the program is left out.
 * All other traces are as ever.
 *
 * @returns what ends it.
 */
export function withoutPromiseTraces(): () => void {
  const write = Error.prepareStackTrace;
  if (write === undefined || process.env.PULUMI_DEBUG_PROMISE_LEAKS) {
    return () => undefined;
  }
  const writeLess = (error: Error, frames: NodeJS.CallSite[]): unknown => {
    if (isOf(frames[0], "debuggablePromise")) {
      return "";
    }
    return write.call(Error, error, isOf(frames[0], "callsites") ? downToProgram(frames) : frames);
  };
  Error.prepareStackTrace = writeLess;
  return () => {
    if (Error.prepareStackTrace === writeLess) {
      Error.prepareStackTrace = write;
    }
  };
}

const SDK = ["", "@pulumi", "pulumi", ""].join(sep);

function fileOf(frame: NodeJS.CallSite | undefined): string {
  return frame?.getFileName() ?? "";
}

/** Whether a trace begins in a function of the SDK. */
function isOf(frame: NodeJS.CallSite | undefined, name: string): boolean {
  return frame?.getFunctionName() === name && fileOf(frame).includes(SDK);
}

/** A trace without what is below the program: how Node loads it, and how the SDK starts it. */
function downToProgram(frames: NodeJS.CallSite[]): NodeJS.CallSite[] {
  const last = frames.findLastIndex((frame) => !/^(?:node:.*)?$/.test(fileOf(frame)) && !fileOf(frame).includes(SDK));
  return last === -1 ? frames : frames.slice(0, last + 1);
}
