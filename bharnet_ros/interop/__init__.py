"""What is recognised in the words of others: ROS4HRI (REP-155) and vision_msgs.

Message classes are handed in: neither package is needed to import this one.
"""
