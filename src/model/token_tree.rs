//! Sequences of tokens that begin alike, as a tree: what a network can run in one pass.

/// Where a sequence stands that ends in a node of a [`TokenTree`]; `None` stands before all of them.
pub type Node = Option<usize>;

/// Tokens that may follow. Parents stand before their children, and no two children of a node are the same token.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct TokenTree {
    tokens: Vec<u32>,
    parents: Vec<Node>,
    /// The first of all.
    first: Node,
    /// By node: its first child.
    first_children: Vec<Node>,
    /// By node: the next child of its parent.
    siblings: Vec<Node>,
}

impl TokenTree {
    /// One sequence.
    pub fn chain(ids: &[u32]) -> Self {
        let mut tree = Self::default();
        tree.insert(ids);
        tree
    }

    /// Adds a sequence, its beginning shared with those that begin alike, and gives the node it ends in.
    pub fn insert(&mut self, ids: &[u32]) -> Node {
        ids.iter()
            .fold(None, |node, token| Some(self.insert_child(node, *token)))
    }

    /// Adds a token behind a node, if it is not there yet.
    ///
    /// `parent` is a node of this tree, or `None`.
    pub fn insert_child(&mut self, parent: Node, token: u32) -> usize {
        let new = self.len();
        let mut last = None;
        for child in self.children(parent) {
            if self.token(child) == Some(token) {
                return child;
            }
            last = Some(child);
        }
        let link = match (last, parent) {
            (Some(last), _) => self.siblings.get_mut(last),
            (None, Some(parent)) => self.first_children.get_mut(parent),
            (None, None) => Some(&mut self.first),
        };
        if let Some(link) = link {
            *link = Some(new);
        }
        self.tokens.push(token);
        self.parents.push(parent);
        self.first_children.push(None);
        self.siblings.push(None);
        new
    }

    /// The children of a node, in the order in which they came.
    pub fn children(&self, parent: Node) -> impl Iterator<Item = usize> {
        let first = match parent {
            Some(parent) => self.first_children.get(parent).copied().flatten(),
            None => self.first,
        };
        std::iter::successors(first, |child| self.siblings.get(*child).copied().flatten())
    }

    /// The child of a node that is this token.
    pub fn child(&self, parent: Node, token: u32) -> Node {
        self.children(parent)
            .find(|child| self.token(*child) == Some(token))
    }

    /// The node that a sequence ends in; `None` if it leaves the tree.
    pub fn find(&self, ids: &[u32]) -> Option<Node> {
        ids.iter()
            .try_fold(None, |node, token| self.child(node, *token).map(Some))
    }

    /// How many of a sequence's tokens must be added to hold it.
    pub fn missing(&self, ids: &[u32]) -> usize {
        let mut node = None;
        for (place, token) in ids.iter().enumerate() {
            match self.child(node, *token) {
                Some(child) => node = Some(child),
                None => return ids.len() - place,
            }
        }
        0
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// All tokens, by node.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// The token of a node.
    pub fn token(&self, node: usize) -> Option<u32> {
        self.tokens.get(node).copied()
    }

    /// What a node stands behind.
    pub fn parent(&self, node: usize) -> Node {
        self.parents.get(node).copied().flatten()
    }

    /// The tokens that lead to a node, itself included.
    pub fn path(&self, node: Node) -> Vec<u32> {
        let mut path: Vec<u32> = self.path_up(node).filter_map(|n| self.token(n)).collect();
        path.reverse();
        path
    }

    /// A node and all it stands behind, the last one first.
    pub fn path_up(&self, node: Node) -> impl Iterator<Item = usize> {
        std::iter::successors(node, |node| self.parent(*node))
    }

    /// How many tokens lead to a node, itself included.
    pub fn depth(&self, node: Node) -> usize {
        self.path_up(node).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_that_begin_alike_share_their_beginning() {
        let mut tree = TokenTree::chain(&[1, 2, 3]);
        assert_eq!(tree.insert(&[1, 2, 4]), Some(3));
        assert_eq!(tree.insert(&[1, 2]), Some(1));
        assert_eq!(tree.insert(&[2]), Some(4));
        assert_eq!(tree.tokens(), [1, 2, 3, 4, 2]);
        assert_eq!(tree.path_up(Some(3)).collect::<Vec<_>>(), [3, 1, 0]);
        assert_eq!(tree.path(Some(3)), [1, 2, 4]);
        assert_eq!(tree.children(Some(1)).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(tree.children(None).collect::<Vec<_>>(), [0, 4]);
        assert_eq!((tree.depth(Some(3)), tree.depth(None)), (3, 0));
        assert_eq!(tree.missing(&[1, 2, 3, 4, 5]), 2);
        assert_eq!(tree.missing(&[1]), 0);
        assert_eq!(tree.find(&[1, 2, 4]), Some(Some(3)));
        assert_eq!(tree.find(&[]), Some(None));
        assert_eq!(tree.find(&[1, 3]), None);
    }
}
