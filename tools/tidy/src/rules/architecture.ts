import { posix } from 'node:path';
import type { Finding, Rule } from '../rule.ts';

const DOCUMENT = 'docs/architecture.md';
const HEADING = '## Which file to open for what';
const QUOTED = /`([^`]+)`/g;

/**
 * Each path in the second column of that table can be opened. A name without a folder stands beside the path
 * before it; one with a slash at its end is a folder.
 */
export const architecturePaths: Rule = {
  name: 'architecture-paths',
  check: (tree) => {
    if (!tree.paths.includes(DOCUMENT)) return [];
    const lines = tree.read(DOCUMENT).split('\n');
    const start = lines.indexOf(HEADING);
    if (start === -1) {
      return [{ path: DOCUMENT, line: undefined, message: `has no heading "${HEADING}"` }];
    }
    const findings: Finding[] = [];
    for (let index = start + 1; index < lines.length; index += 1) {
      const line = lines[index] ?? '';
      if (line.startsWith('## ')) break;
      const [, , places = ''] = line.split('|');
      let folder = '';
      for (const [, quoted = ''] of places.matchAll(QUOTED)) {
        const place = quoted.includes('/') ? quoted : posix.join(folder, quoted);
        folder = place.endsWith('/') ? place : posix.dirname(place);
        const exists = tree.paths.some((path) =>
          place.endsWith('/') ? path.startsWith(place) : path === place,
        );
        if (!exists) {
          findings.push({ path: DOCUMENT, line: index + 1, message: `${place} does not exist` });
        }
      }
    }
    return findings;
  },
};
