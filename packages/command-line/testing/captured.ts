export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command in this process and keeps what it prints. Not for two at a time. */
export async function captured(run: () => Promise<number>): Promise<Outcome> {
  const { stdout, stderr } = process;
  const writes = { stdout: stdout.write, stderr: stderr.write };
  const kept = { stdout: '', stderr: '' };
  const keep = (name: keyof typeof kept) => (text: string | Uint8Array) => {
    kept[name] += String(text);
    return true;
  };
  stdout.write = keep('stdout');
  stderr.write = keep('stderr');
  try {
    return { code: await run(), ...kept };
  } finally {
    stdout.write = writes.stdout;
    stderr.write = writes.stderr;
  }
}
