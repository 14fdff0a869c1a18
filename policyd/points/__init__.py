"""The points of XACML's model: where decisions are made and recorded, and policy is administered."""
