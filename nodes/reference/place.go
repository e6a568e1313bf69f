package reference

import (
	"errors"
	"fmt"

	"github.com/flowtrux/edge/nodes/sdk"
)

// placed returns an error with its place before the message: the element of a list in the config.
func placed(list string, index int, err error) error {
	failed, ok := errors.AsType[*sdk.Error](err)
	if !ok {
		return err
	}
	e := *failed
	e.Message = fmt.Sprintf("%s[%d]: %s", list, index, failed.Message)
	return &e
}
