/** One line of a Prometheus text. */
export interface Sample {
  readonly name: string;
  readonly labels: string;
  readonly value: number;
}

/** The samples of a Prometheus text; comments and what is no sample are left out. */
export function samplesOf(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (found === null) return [];
    return [{ name: found[1] ?? '', labels: found[2] ?? '', value: Number(found[3]) }];
  });
}

/** The largest value of a name among these, 0 where nobody has it. */
export function largest(samples: readonly Sample[], name: string): number {
  return samples.reduce((max, one) => (one.name === name ? Math.max(max, one.value) : max), 0);
}

/** The sum over all series of a name. */
export function total(samples: readonly Sample[], name: string): number {
  return samples.reduce((sum, one) => (one.name === name ? sum + one.value : sum), 0);
}
