/**
 * Leaves out the stack traces that Pulumi's SDK takes of its own promises while a resource is made. It takes four for each output, to say
 * which promise never ended, and shows them only with `PULUMI_DEBUG_PROMISE_LEAKS`. Where programs run under ts-node, which is what Pulumi
 * does, each of their lines is looked up in a source map: that was half of the time of a whole program. All other traces are as ever.
 *
 * @returns what ends it.
 */
export function withoutPromiseTraces(): () => void {
  const write = Error.prepareStackTrace;
  if (write === undefined || process.env.PULUMI_DEBUG_PROMISE_LEAKS) {
    return () => undefined;
  }
  const writeOthers = (error: Error, frames: NodeJS.CallSite[]): unknown =>
    isOfPromise(frames[0]) ? "" : write.call(Error, error, frames);
  Error.prepareStackTrace = writeOthers;
  return () => {
    if (Error.prepareStackTrace === writeOthers) {
      Error.prepareStackTrace = write;
    }
  };
}

function isOfPromise(frame: NodeJS.CallSite | undefined): boolean {
  return frame?.getFunctionName() === "debuggablePromise" && /[\\/]debuggable\.js$/.test(frame.getFileName() ?? "");
}
