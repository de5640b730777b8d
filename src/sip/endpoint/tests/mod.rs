//! Stories of the endpoint. Must never wait for real time.
