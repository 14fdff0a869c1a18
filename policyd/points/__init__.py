"""The points of XACML's model: decisions are made and recorded, and policy is administered."""
