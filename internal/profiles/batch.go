package profiles

import "time"

// inBatches runs produce beside it and hands its rows on in batches: when enough
// came, or a moment after the first of them. It returns produce's error when
// produce has ended and all rows were handed on.
func inBatches(produce func(give func(Row)) error, emit func([]Row)) error {
	rows, result := make(chan Row), make(chan error, 1)
	go func() { // ends before inBatches does: rows is read until it is closed
		defer close(rows)
		result <- produce(func(r Row) { rows <- r })
	}()
	var batch []Row
	var due <-chan time.Time // nil while batch is empty
	flush := func() {
		if len(batch) > 0 {
			emit(batch)
		}
		batch, due = nil, nil
	}
	for {
		select {
		case r, more := <-rows:
			if !more {
				flush()
				return <-result
			}
			if batch = append(batch, r); len(batch) == 1 {
				due = time.After(batchTime)
			}
			if len(batch) >= batchRows {
				flush()
			}
		case <-due:
			flush()
		}
	}
}
