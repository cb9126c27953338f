package stream

import (
	"time"

	"github.com/nats-io/nats.go"
)

// Nowhere returns Messages of a consumer that there is not, and what they ask it.
func Nowhere(c *Conn, silence time.Duration) (m *Messages, asked chan *nats.Msg, err error) {
	asked = make(chan *nats.Msg, 1)
	_, err = c.conn.ChanSubscribe("$JS.API.CONSUMER.MSG.NEXT.nowhere.nobody", asked)
	return &Messages{stream: &Stream{conn: c, name: "nowhere"}, name: "nobody", batch: 1, silence: silence}, asked, err
}
