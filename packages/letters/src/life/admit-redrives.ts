import type { WriterSession } from '@adtally/db';

/** Lets letters of running redrive jobs have their turn, at each job's rate; returns how many became due. */
export async function admitRedrives(session: WriterSession): Promise<number> {
  const [row] = await session.query<{ admitted: number }>('SELECT admit_redrives() AS admitted');
  return row?.admitted ?? 0;
}
