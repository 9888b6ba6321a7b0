/**
 * Writes a part of a long result to standard output and waits until there is room for more.
 *
 * @returns whether anybody still reads: `| head` is no error, and no reason to go on either
 */
export async function writeOut(text: string): Promise<boolean> {
  const { stdout } = process;
  if (!stdout.writable) return false;
  if (!stdout.write(text)) {
    await new Promise<void>((resolve) => {
      for (const event of ['drain', 'close', 'error']) stdout.once(event, () => resolve());
    });
  }
  return stdout.writable;
}
