import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const NODE_OPTIONS = /^ENV .*\bNODE_OPTIONS="?([^"\n]*?)"?(?:\s+\w+=|$)/m;

/**
 * What the image of the services starts Node with, e.g. `['--max-semi-space-size=16']`; empty in a revision whose
 * image says nothing. Whoever starts a service from its sources starts it alike.
 */
export function imageNodeOptions(repositoryRoot: string): string[] {
  const image = readFileSync(join(repositoryRoot, 'infra/docker/Dockerfile'), 'utf8');
  return (
    NODE_OPTIONS.exec(image)?.[1]
      ?.split(' ')
      .filter((option) => option !== '') ?? []
  );
}
