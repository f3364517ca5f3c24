/** How far somebody sees: a list shows what the person belongs to, and of that only what lies inside these bounds. */
export type Reach = {
  readonly userId: string;
  /** Null: no such bound. */
  readonly onlyOrganizationId: string | null;
  readonly onlyProjectId: string | null;
  /** True where the one organization is his to see although he may be no member: the host application says so. */
  readonly isGranted: boolean;
};
