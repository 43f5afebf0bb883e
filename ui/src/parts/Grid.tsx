// A long list of rows of one height: only those in sight are drawn. TanStack Table keeps columns and
// selection, TanStack Virtual says which rows are in sight; the rows' meaning is the caller's.
import {
  type ColumnDef,
  columnVisibilityFeature,
  type RowSelectionState,
  rowSelectionFeature,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useRef } from "react";

export const gridFeatures = tableFeatures({ columnVisibilityFeature, rowSelectionFeature });
// biome-ignore lint/suspicious/noExplicitAny: a column's value may be of any type
export type GridColumn<T extends object> = ColumnDef<typeof gridFeatures, T, any>;

const HEIGHT = 36;
const NEAR_END = 12;

export interface GridProps<T extends object> {
  label: string;
  columns: GridColumn<T>[];
  /** Column id → how wide it is at least (px), and its share of what is left. */
  widths: Record<string, { least: number; share?: number }>;
  rows: T[];
  idOf: (row: T) => string;
  hidden?: Record<string, boolean>;
  selection?: RowSelectionState;
  onSelection?: (selection: RowSelectionState) => void;
  current: number;
  onCurrent: (index: number) => void;
  onOpen: (row: T) => void;
  onNearEnd?: () => void;
  foot?: ReactNode;
}

export function Grid<T extends object>(props: GridProps<T>) {
  const { rows, idOf, current, onNearEnd } = props;
  const scroll = useRef<HTMLDivElement>(null);
  const table = useTable({
    features: gridFeatures,
    columns: props.columns,
    data: rows,
    getRowId: idOf,
    state: { columnVisibility: props.hidden ?? {}, rowSelection: props.selection ?? {} },
    onRowSelectionChange: (change) => {
      const before = props.selection ?? {};
      props.onSelection?.(typeof change === "function" ? change(before) : change);
    },
  });
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => HEIGHT,
    overscan: 10,
    scrollPaddingStart: HEIGHT,
  });
  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (rows.length && last >= rows.length - NEAR_END) onNearEnd?.();
  }, [last, rows.length, onNearEnd]);
  useEffect(() => {
    if (current >= 0) virtual.scrollToIndex(current, { align: "auto" });
  }, [current, virtual]);
  const sizes = table
    .getVisibleLeafColumns()
    .map((column) => props.widths[column.id] ?? { least: 100 });
  const tracks = sizes.map(({ least, share }) =>
    share ? `minmax(${least}px, ${share}fr)` : `${least}px`,
  );
  const least = sizes.reduce((sum, size) => sum + size.least, 0);
  const all = table.getRowModel().rows;
  return (
    <div
      className="grid"
      ref={scroll}
      role="table"
      aria-label={props.label}
      aria-rowcount={rows.length + 1}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
      tabIndex={0}
      style={{ "--columns": tracks.join(" "), "--least": `${least}px` } as React.CSSProperties}
    >
      <div role="rowgroup">
        {table.getHeaderGroups().map((group) => (
          <div className="line titles" role="row" key={group.id}>
            {group.headers.map((header) => (
              <div className="cell title" role="columnheader" key={header.id}>
                <table.FlexRender header={header} />
              </div>
            ))}
          </div>
        ))}
      </div>
      <div className="rows" role="rowgroup" style={{ height: virtual.getTotalSize() }}>
        {shown.map((item) => {
          const row = all[item.index];
          if (!row) return null;
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: each row has a link, and j, k and Enter
            <div
              className="line"
              role="row"
              key={row.id}
              aria-rowindex={item.index + 2}
              data-current={item.index === current}
              style={{ transform: `translateY(${item.start}px)` }}
              onClick={(event) => {
                if ((event.target as HTMLElement).closest("a, button, input, label")) return;
                props.onCurrent(item.index);
                props.onOpen(row.original);
              }}
            >
              {row.getVisibleCells().map((cell) => (
                <div className="cell" role="cell" key={cell.id}>
                  <table.FlexRender cell={cell} />
                </div>
              ))}
            </div>
          );
        })}
      </div>
      {props.foot}
    </div>
  );
}
