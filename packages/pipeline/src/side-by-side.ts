/** Runs until it is stopped; `run` rejects with whatever must end the service. */
export interface Loop {
  run(): Promise<void>;
  stop(): void;
}

/** Loops of one process that wait for nothing of each other. When one ends, however it ends, all do. */
export function sideBySide(loops: readonly Loop[]): Loop {
  const stop = () => {
    for (const loop of loops) loop.stop();
  };
  return {
    stop,
    async run() {
      const ended = await Promise.allSettled(loops.map((loop) => loop.run().finally(stop)));
      for (const one of ended) if (one.status === 'rejected') throw one.reason;
    },
  };
}
